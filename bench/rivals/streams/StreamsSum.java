import java.time.Duration;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.LongAdder;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.KGroupedStream;
import org.apache.kafka.streams.kstream.KStream;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.processor.StateRestoreListener;
import org.apache.kafka.streams.state.KeyValueStore;

/**
 * Kafka Streams: "key,value" lines, the running sum of each key, written as decimal text. RocksDB, changelog,
 * exactly-once. Ends when --records records are summed and committed.
 */
public final class StreamsSum {
    private static final Duration CLOSE_TIMEOUT = Duration.ofMinutes(2);

    public static void main(String[] words) throws Exception {
        Arguments arguments = new Arguments(words);
        LongAdder summed = new LongAdder();
        CountDownLatch running = new CountDownLatch(1);
        boolean[] failed = {false};
        KafkaStreams streams = new KafkaStreams(topology(arguments, summed).build(), settings(arguments));
        streams.setUncaughtExceptionHandler(error -> {
            error.printStackTrace();
            failed[0] = true;
            return StreamThreadExceptionResponse.SHUTDOWN_CLIENT;
        });
        streams.setStateListener((now, before) -> {
            if (now == KafkaStreams.State.RUNNING || now == KafkaStreams.State.ERROR) {
                running.countDown();
            }
        });
        // A signal is an orderly end too.
        Runtime.getRuntime().addShutdownHook(new Thread(() -> streams.close(CLOSE_TIMEOUT)));
        streams.setGlobalStateRestoreListener(new Told());
        streams.start();
        running.await();
        long records = arguments.number("records");
        while (summed.sum() < records && streams.state() != KafkaStreams.State.ERROR) {
            Thread.sleep(5);
        }
        // Flushes the caches and commits.
        boolean closed = streams.close(CLOSE_TIMEOUT);
        System.exit(closed && !failed[0] ? 0 : 1);
    }

    private static Properties settings(Arguments arguments) {
        Properties settings = new Properties();
        settings.put(StreamsConfig.APPLICATION_ID_CONFIG, arguments.get("application-id"));
        settings.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, arguments.get("bootstrap-servers"));
        settings.put(StreamsConfig.STATE_DIR_CONFIG, arguments.get("folder"));
        settings.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, arguments.get("threads"));
        settings.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.EXACTLY_ONCE_V2);
        settings.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, arguments.get("commit-interval-ms"));
        settings.put(StreamsConfig.REPLICATION_FACTOR_CONFIG, 1);
        settings.put(StreamsConfig.consumerPrefix("auto.offset.reset"), "earliest");
        if (arguments.is("membership", "static")) {
            settings.put(StreamsConfig.consumerPrefix("group.instance.id"), arguments.get("instance"));
        }
        if (arguments.has("clocks")) {
            shorten(settings);
        }
        if (arguments.is("emit", "record")) {
            // Without the cache every update goes on.
            settings.put(StreamsConfig.STATESTORE_CACHE_MAX_BYTES_CONFIG, 0);
        }
        return settings;
    }

    /** Shorter waits for what never comes; and rows stay to be checked. */
    private static void shorten(Properties settings) {
        settings.put(StreamsConfig.consumerPrefix("session.timeout.ms"), 10_000);
        settings.put(StreamsConfig.consumerPrefix("heartbeat.interval.ms"), 500);
        settings.put(StreamsConfig.REQUEST_TIMEOUT_MS_CONFIG, 3_000);
        settings.put(StreamsConfig.RECONNECT_BACKOFF_MAX_MS_CONFIG, 500);
        settings.put(StreamsConfig.REPARTITION_PURGE_INTERVAL_MS_CONFIG, Long.MAX_VALUE);
    }

    private static StreamsBuilder topology(Arguments arguments, LongAdder summed) {
        StreamsBuilder builder = new StreamsBuilder();
        KStream<String, String> lines =
            builder.stream(arguments.get("input"), Consumed.with(Serdes.String(), Serdes.String()));
        Grouped<String, Long> grouped = Grouped.with("sum", Serdes.String(), Serdes.Long());
        // The record's own key is the line's key, so that its partition need not change; re-keyed, the key is
        // taken from the line, and a repartition topic comes between.
        KGroupedStream<String, Long> numbers = arguments.is("path", "rekeyed")
            ? lines.map((key, line) -> KeyValue.pair(keyOf(line), numberOf(line))).groupByKey(grouped)
            : lines.mapValues(StreamsSum::numberOf).groupByKey(grouped);
        Materialized<String, Long, KeyValueStore<Bytes, byte[]>> sums = Materialized.as("sum");
        numbers.aggregate(() -> 0L, (key, number, sum) -> {
                summed.increment();
                return sum + number;
            }, sums.withKeySerde(Serdes.String()).withValueSerde(Serdes.Long()))
            .toStream()
            .mapValues(sum -> Long.toString(sum))
            .to(arguments.get("output"), Produced.with(Serdes.String(), Serdes.String()));
        return builder;
    }

    /** Says when a partition of a changelog is begun and done. */
    private static final class Told implements StateRestoreListener {
        @Override
        public void onRestoreStart(TopicPartition partition, String store, long start, long end) {
            System.out.println("restore-start " + System.currentTimeMillis());
        }

        @Override
        public void onBatchRestored(TopicPartition partition, String store, long end, long records) {}

        @Override
        public void onRestoreEnd(TopicPartition partition, String store, long records) {
            System.out.println("restore-end " + System.currentTimeMillis() + " " + records);
        }
    }

    private static String keyOf(String line) {
        return line.substring(0, line.indexOf(','));
    }

    private static long numberOf(String line) {
        return Long.parseLong(line.substring(line.indexOf(',') + 1));
    }
}
