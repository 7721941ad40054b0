import java.nio.charset.StandardCharsets;
import org.apache.flink.api.common.RuntimeExecutionMode;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.functions.MapFunction;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.serialization.SimpleStringSchema;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.java.tuple.Tuple2;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.connector.base.DeliveryGuarantee;
import org.apache.flink.connector.kafka.sink.KafkaRecordSerializationSchema;
import org.apache.flink.connector.kafka.sink.KafkaSink;
import org.apache.flink.connector.kafka.source.KafkaSource;
import org.apache.flink.connector.kafka.source.enumerator.initializer.OffsetsInitializer;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.util.Collector;
import org.apache.kafka.clients.producer.ProducerRecord;

/**
 * Flink in this JVM: "key,value" lines, the running sum of each key after every record, written as decimal text.
 * Exactly-once; results are visible after each checkpoint. Ends at the end of the input.
 */
public final class FlinkSum {
    private static final TypeInformation<Tuple2<String, Long>> PAIR = Types.TUPLE(Types.STRING, Types.LONG);

    public static void main(String[] words) throws Exception {
        Arguments arguments = new Arguments(words);
        int threads = Integer.parseInt(arguments.get("threads"));
        StreamExecutionEnvironment flink =
            StreamExecutionEnvironment.createLocalEnvironment(threads, settings(arguments));
        flink.setRuntimeMode(RuntimeExecutionMode.STREAMING);
        flink.fromSource(source(arguments), WatermarkStrategy.noWatermarks(), "input")
            .map(new Parse()).returns(PAIR)
            .keyBy(pair -> pair.f0, Types.STRING)
            .process(new Sum()).returns(PAIR)
            .sinkTo(sink(arguments));
        flink.execute("sum");
        System.exit(0);
    }

    private static Configuration settings(Arguments arguments) {
        String folder = arguments.get("folder"), store = arguments.get("store");
        Configuration settings = new Configuration();
        settings.setString("state.backend.type", store);
        settings.setString("execution.checkpointing.dir", "file://" + folder + "/checkpoints");
        settings.setString("execution.checkpointing.interval", arguments.get("checkpoint-interval-ms") + "ms");
        settings.setString("execution.checkpointing.incremental", store.equals("rocksdb") ? "true" : "false");
        settings.setString("io.tmp.dirs", folder + "/tmp");
        settings.setString("rest.bind-port", "0");
        settings.setString("rest.address", "127.0.0.1");
        settings.setString("taskmanager.memory.managed.size", "256mb");
        settings.setString("taskmanager.memory.network.min", "64mb");
        settings.setString("pipeline.object-reuse", "true");
        settings.setString("restart-strategy.type", "none");
        return settings;
    }

    private static KafkaSource<String> source(Arguments arguments) {
        return KafkaSource.<String>builder()
            .setBootstrapServers(arguments.get("bootstrap-servers"))
            .setTopics(arguments.get("input"))
            .setGroupId(arguments.get("application-id"))
            .setStartingOffsets(OffsetsInitializer.earliest())
            .setBounded(OffsetsInitializer.latest())
            .setValueOnlyDeserializer(new SimpleStringSchema())
            .build();
    }

    private static KafkaSink<Tuple2<String, Long>> sink(Arguments arguments) {
        return KafkaSink.<Tuple2<String, Long>>builder()
            .setBootstrapServers(arguments.get("bootstrap-servers"))
            .setRecordSerializer(new Text(arguments.get("output")))
            .setDeliveryGuarantee(DeliveryGuarantee.EXACTLY_ONCE)
            .setTransactionalIdPrefix(arguments.get("application-id"))
            .setProperty("transaction.timeout.ms", "600000")
            .build();
    }

    /** A line's key and number. */
    public static final class Parse implements MapFunction<String, Tuple2<String, Long>> {
        @Override
        public Tuple2<String, Long> map(String line) {
            int comma = line.indexOf(',');
            return Tuple2.of(line.substring(0, comma), Long.parseLong(line.substring(comma + 1)));
        }
    }

    /** The sum of a key so far. */
    public static final class Sum
            extends KeyedProcessFunction<String, Tuple2<String, Long>, Tuple2<String, Long>> {
        private transient ValueState<Long> sum;

        @Override
        public void open(OpenContext context) {
            sum = getRuntimeContext().getState(new ValueStateDescriptor<>("sum", Types.LONG));
        }

        @Override
        public void processElement(Tuple2<String, Long> pair, Context context, Collector<Tuple2<String, Long>> out)
                throws Exception {
            Long before = sum.value();
            long now = (before == null ? 0 : before) + pair.f1;
            sum.update(now);
            out.collect(Tuple2.of(pair.f0, now));
        }
    }

    /** A result as it is written. */
    public static final class Text implements KafkaRecordSerializationSchema<Tuple2<String, Long>> {
        private final String topic;

        Text(String topic) {
            this.topic = topic;
        }

        @Override
        public ProducerRecord<byte[], byte[]> serialize(
                Tuple2<String, Long> pair, KafkaSinkContext context, Long timestamp) {
            byte[] key = pair.f0.getBytes(StandardCharsets.UTF_8);
            return new ProducerRecord<>(topic, key, Long.toString(pair.f1).getBytes(StandardCharsets.UTF_8));
        }
    }
}
