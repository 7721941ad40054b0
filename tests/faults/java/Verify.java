// Judges what an application of sums has written, with Kafka's own client and nothing of the host's code. It is asked
// on standard input, a line a run, fields divided by tabs:
//
//   servers  seconds  transactional-id-prefix  input  repartition  output  changelog  dead-letter
//
// Transactions must have ended, and all be read, within the seconds. "-" stands for a topic that there is none of. The answer is one line: MARK, then "ok" and counts, or "violation" and
// what is wrong. Input lines are "key,value"; whatever is not goes to the dead letters.

import java.io.*;
import java.math.BigInteger;
import java.nio.charset.*;
import java.time.Duration;
import java.util.*;
import java.util.stream.*;
import org.apache.kafka.clients.admin.*;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.common.IsolationLevel;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.utils.Utils;

public class Verify {
    static final int FRAME_FIXED_BYTES = 10;
    static final int CHANGELOG_BYTES = 17;

    static class Violation extends Exception {
        Violation(String text) {
            super(text);
        }
    }

    /** A row behind the shuffle: where its input record stood, and what it says. */
    record Row(int partition, long offset, String key, BigInteger value) {}

    final Admin admin;
    final Duration patience;
    final Properties properties = new Properties();
    final Map<String, List<ConsumerRecord<byte[], byte[]>>> records = new HashMap<>();
    final Map<String, Integer> partitions = new HashMap<>();

    Verify(String servers, Duration patience) {
        this.patience = patience;
        properties.put("bootstrap.servers", servers);
        properties.put("isolation.level", "read_committed");
        properties.put("enable.auto.commit", "false");
        properties.put("auto.offset.reset", "none");
        admin = Admin.create(properties);
    }

    public static void main(String[] arguments) throws Exception {
        String mark = arguments[0];
        var questions = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = questions.readLine(); line != null; line = questions.readLine()) {
            String[] f = line.split("\t");
            var verify = new Verify(f[0], Duration.ofSeconds(Long.parseLong(f[1])));
            String answer;
            try {
                answer = "ok " + verify.check(f[2], f[3], f[4], f[5], f[6], f[7]);
            } catch (Violation violation) {
                answer = "violation " + violation.getMessage();
            } catch (Exception exception) {
                answer = "violation cannot tell: " + exception;
            } finally {
                verify.admin.close(Duration.ZERO);
            }
            System.out.println(mark + answer.replace('\n', ' '));
        }
    }

    String check(String prefix, String input, String shuffled, String output, String changelog, String dead)
            throws Exception {
        var topics = Stream.of(input, shuffled, output, changelog, dead).filter(topic -> !topic.equals("-")).toList();
        admin.describeTopics(topics).allTopicNames().get()
            .forEach((topic, about) -> partitions.put(topic, about.partitions().size()));
        nothingHangs(prefix, all(topics));
        read(all(topics));
        var sums = new TreeMap<String, BigInteger>();
        var good = new HashMap<String, Row>();
        var bad = new HashMap<String, byte[]>();
        sort(input, sums, good, bad);
        letters(dead, input, bad);
        if (!shuffled.equals("-")) {
            var rows = rows(shuffled);
            tiles(rows, good);
            prefixSums(output, rows);
        }
        same("the last result", last(output), sums);
        if (!changelog.equals("-")) {
            same("the changelog", folded(changelog), sums);
        }
        return good.size() + " rows, " + bad.size() + " dead letters, " + of(output).size() + " results";
    }

    List<TopicPartition> all(List<String> topics) {
        return topics.stream().flatMap(topic -> IntStream.range(0, partitions.get(topic))
            .mapToObj(number -> new TopicPartition(topic, number))).toList();
    }

    static void require(boolean holds, String otherwise) throws Violation {
        if (!holds) {
            throw new Violation(otherwise);
        }
    }

    /** I9: every log is stable to its end, no producer has a transaction open, no coordinator either. */
    void nothingHangs(String prefix, List<TopicPartition> all) throws Exception {
        long deadline = System.nanoTime() + patience.toNanos();
        for (String open = open(prefix, all); open != null; open = open(prefix, all)) {
            require(System.nanoTime() < deadline, "a transaction hangs: " + open);
            Thread.sleep(50);
        }
    }

    String open(String prefix, List<TopicPartition> all) throws Exception {
        for (var of : admin.describeProducers(all).all().get().entrySet()) {
            for (var producer : of.getValue().activeProducers()) {
                if (producer.currentTransactionStartOffset().isPresent()) {
                    return of.getKey() + " has one open since offset " + producer.currentTransactionStartOffset();
                }
            }
        }
        var stable = ends(all, IsolationLevel.READ_COMMITTED);
        var ends = ends(all, IsolationLevel.READ_UNCOMMITTED);
        for (var partition : all) {
            if (!stable.get(partition).equals(ends.get(partition))) {
                return partition + " ends at " + ends.get(partition) + " and is stable to " + stable.get(partition);
            }
        }
        var settled = Set.of(TransactionState.EMPTY, TransactionState.COMPLETE_COMMIT, TransactionState.COMPLETE_ABORT);
        for (var transaction : admin.listTransactions().all().get()) {
            if (transaction.transactionalId().startsWith(prefix) && !settled.contains(transaction.state())) {
                return transaction.transactionalId() + " is " + transaction.state();
            }
        }
        return null;
    }

    Map<TopicPartition, Long> ends(List<TopicPartition> all, IsolationLevel isolation) throws Exception {
        var question = all.stream().collect(Collectors.toMap(p -> p, p -> OffsetSpec.latest()));
        var answer = admin.listOffsets(question, new ListOffsetsOptions(isolation)).all().get();
        return answer.entrySet().stream().collect(Collectors.toMap(Map.Entry::getKey, e -> e.getValue().offset()));
    }

    void read(List<TopicPartition> all) throws Exception {
        var bytes = new ByteArrayDeserializer();
        try (var consumer = new KafkaConsumer<>(properties, bytes, bytes)) {
            consumer.assign(all);
            consumer.seekToBeginning(all);
            var ends = consumer.endOffsets(all);
            long deadline = System.nanoTime() + patience.toNanos();
            while (!all.stream().allMatch(partition -> consumer.position(partition) >= ends.get(partition))) {
                require(System.nanoTime() < deadline, "cannot read to the ends " + ends);
                for (var record : consumer.poll(Duration.ofMillis(20))) {
                    records.computeIfAbsent(record.topic(), topic -> new ArrayList<>()).add(record);
                }
            }
        }
    }

    /** Those of one topic, in the order of each partition. */
    List<ConsumerRecord<byte[], byte[]>> of(String topic) {
        return records.getOrDefault(topic, List.of());
    }

    static String text(byte[] bytes) {
        return bytes == null ? "null" : new String(bytes, StandardCharsets.ISO_8859_1);
    }

    static String place(int partition, long offset) {
        return partition + "@" + offset;
    }

    void sort(String input, Map<String, BigInteger> sums, Map<String, Row> good, Map<String, byte[]> bad) {
        for (var record : of(input)) {
            var row = line(record);
            if (row == null) {
                bad.put(place(record.partition(), record.offset()), record.value());
            } else {
                good.put(place(record.partition(), record.offset()), row);
                sums.merge(row.key(), row.value(), BigInteger::add);
            }
        }
    }

    static Row line(ConsumerRecord<byte[], byte[]> record) {
        String line = text(record.value());
        int comma = line.indexOf(',');
        if (record.value() == null || comma < 0) {
            return null;
        }
        try {
            long value = Long.parseLong(line.substring(comma + 1));
            return new Row(record.partition(), record.offset(), line.substring(0, comma), BigInteger.valueOf(value));
        } catch (NumberFormatException exception) {
            return null;
        }
    }

    /** I3: what is no row is a dead letter, once, with its bytes, and nothing else is. */
    void letters(String dead, String input, Map<String, byte[]> bad) throws Violation {
        var missing = new HashMap<>(bad);
        for (var letter : of(dead)) {
            String at = header(letter, "partition") + "@" + header(letter, "offset");
            require(header(letter, "topic").equals(input), "a dead letter is of " + header(letter, "topic"));
            require(bad.containsKey(at), "input record " + at + " is no bad one, and a dead letter");
            require(missing.containsKey(at), "input record " + at + " is a dead letter twice");
            require(Arrays.equals(missing.remove(at), letter.value()), "the dead letter of " + at + " has other bytes");
        }
        require(missing.isEmpty(), "bad input records are no dead letters: " + some(missing.keySet()));
    }

    static String header(ConsumerRecord<byte[], byte[]> record, String name) {
        var header = record.headers().lastHeader("__streams.errors." + name);
        return header == null ? "none" : text(header.value());
    }

    /** The rows behind the shuffle, in the order of each partition. */
    Map<Integer, List<Row>> rows(String shuffled) throws Violation {
        var rows = new TreeMap<Integer, List<Row>>();
        for (var record : of(shuffled)) {
            String at = shuffled + "-" + record.partition() + " offset " + record.offset();
            byte[] value = record.value();
            require(value != null && value.length > FRAME_FIXED_BYTES && value[0] == 1, at + " has no frame");
            require(value[1] == 0, at + " is a partial, and rows were not to be folded");
            int[] next = {FRAME_FIXED_BYTES};
            long partition = number(value, next);
            long offset = number(value, next);
            require(value.length == next[0] + 8, at + " has " + (value.length - next[0]) + " bytes and not 8");
            var sum = littleEndian(value, next[0]);
            placed(record);
            rows.computeIfAbsent(record.partition(), p -> new ArrayList<>())
                .add(new Row((int) partition, offset, text(record.key()), sum));
        }
        return rows;
    }

    /** LEB128. */
    static long number(byte[] bytes, int[] next) {
        long number = 0;
        for (int shift = 0; next[0] < bytes.length; shift += 7) {
            byte part = bytes[next[0]++];
            number |= (long) (part & 0x7f) << shift;
            if (part >= 0) {
                break;
            }
        }
        return number;
    }

    static BigInteger littleEndian(byte[] bytes, int from) {
        byte[] big = new byte[bytes.length - from];
        for (int i = 0; i < big.length; i++) {
            big[i] = bytes[bytes.length - 1 - i];
        }
        return new BigInteger(big);
    }

    /** A key lies where Kafka's own partitioner puts it. */
    void placed(ConsumerRecord<byte[], byte[]> record) throws Violation {
        int expected = Utils.toPositive(Utils.murmur2(record.key())) % partitions.get(record.topic());
        require(record.partition() == expected, "key " + text(record.key()) + " lies in " + record.topic() + "-"
            + record.partition() + " and not in partition " + expected);
    }

    /** I2: the rows are the good input records, each once. */
    static void tiles(Map<Integer, List<Row>> rows, Map<String, Row> good) throws Violation {
        var missing = new HashMap<>(good);
        for (var row : rows.values().stream().flatMap(List::stream).toList()) {
            String at = place(row.partition(), row.offset());
            require(good.containsKey(at), "a row of " + at + " is shuffled, where no good input record is");
            require(missing.remove(at) != null, "input record " + at + " is shuffled twice");
            require(good.get(at).equals(row), "input record " + at + " is shuffled as " + row);
        }
        require(missing.isEmpty(), "input records are not shuffled: " + some(missing.keySet()));
    }

    /** I1: the results of each key are running sums of its rows, in their order, none twice; the last has them all. */
    void prefixSums(String output, Map<Integer, List<Row>> rows) throws Violation {
        var running = new HashMap<String, List<BigInteger>>();
        for (var row : rows.values().stream().flatMap(List::stream).toList()) {
            var sums = running.computeIfAbsent(row.key(), key -> new ArrayList<>());
            sums.add(sums.isEmpty() ? row.value() : sums.get(sums.size() - 1).add(row.value()));
        }
        var reached = new HashMap<String, Integer>();
        for (var record : of(output)) {
            placed(record);
            String key = text(record.key());
            var sums = running.getOrDefault(key, List.of());
            var result = result(record);
            int next = reached.getOrDefault(key, 0);
            int ahead = sums.subList(next, sums.size()).indexOf(result);
            require(ahead >= 0, key + ": " + result + " at " + place(record.partition(), record.offset())
                + " is no running sum behind row " + next + " of " + sums.size());
            reached.put(key, next + ahead + 1);
        }
    }

    static BigInteger result(ConsumerRecord<byte[], byte[]> record) throws Violation {
        try {
            return new BigInteger(text(record.value()));
        } catch (NumberFormatException exception) {
            throw new Violation("the result " + text(record.value()) + " is no number");
        }
    }

    Map<String, BigInteger> last(String output) throws Violation {
        var last = new TreeMap<String, BigInteger>();
        for (var record : of(output)) {
            last.put(text(record.key()), result(record));
        }
        return last;
    }

    /** I4: a version byte and the sum; null forgets the key. */
    Map<String, BigInteger> folded(String changelog) throws Violation {
        var sums = new TreeMap<String, BigInteger>();
        for (var record : of(changelog)) {
            placed(record);
            if (record.value() == null) {
                sums.remove(text(record.key()));
                continue;
            }
            require(record.value().length == CHANGELOG_BYTES, "a changelog record of " + record.value().length + " bytes");
            sums.put(text(record.key()), littleEndian(record.value(), 1));
        }
        return sums;
    }

    static void same(String what, Map<String, BigInteger> found, Map<String, BigInteger> expected) throws Violation {
        var keys = new TreeSet<>(found.keySet());
        keys.addAll(expected.keySet());
        keys.removeIf(key -> Objects.equals(found.get(key), expected.get(key)));
        require(keys.isEmpty(), what + " is wrong for " + keys.stream().limit(5)
            .map(key -> key + ": " + found.get(key) + " and not " + expected.get(key)).toList());
    }

    static List<String> some(Set<String> all) {
        return all.stream().sorted().limit(5).toList();
    }
}
