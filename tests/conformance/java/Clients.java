// What Kafka's own clients see of a broker, in lines that do not depend on when or where.
// java -cp 'JARS/*' Clients.java SERVERS PREFIX MARK

import java.time.Duration;
import java.util.*;
import org.apache.kafka.clients.admin.*;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.*;

public class Clients {
    static String servers;
    static String topic;
    static String group;
    static String mark;

    public static void main(String[] arguments) throws Exception {
        servers = arguments[0];
        topic = arguments[1] + "-java";
        group = arguments[1] + "-java-group";
        mark = arguments[2];
        try (Admin admin = Admin.create(properties())) {
            admin.createTopics(List.of(new NewTopic(topic, 2, (short) 1))).all().get();
            write();
            read();
            tell(admin);
            admin.deleteConsumerGroups(List.of(group)).all().get();
            admin.deleteTopics(List.of(topic)).all().get();
            say("deleted");
        }
    }

    static void say(Object line) {
        System.out.println(mark + line);
    }

    static Properties properties() {
        Properties properties = new Properties();
        properties.put("bootstrap.servers", servers);
        return properties;
    }

    // Three transactions, the second is aborted; then a compressed batch outside of any.
    static void write() {
        Properties properties = properties();
        properties.put("transactional.id", topic + "-producer");
        try (var producer = new KafkaProducer<>(properties, new StringSerializer(), new StringSerializer())) {
            producer.initTransactions();
            for (int transaction = 0; transaction < 3; transaction++) {
                producer.beginTransaction();
                for (int i = 0; i < 4; i++) {
                    String value = transaction + "." + i;
                    producer.send(new ProducerRecord<>(topic, i % 2, 1000L + i, "key", value));
                }
                producer.flush();
                if (transaction == 1) {
                    producer.abortTransaction();
                } else {
                    producer.commitTransaction();
                }
            }
        }
        Properties plain = properties();
        plain.put("compression.type", "lz4");
        try (var producer = new KafkaProducer<>(plain, new StringSerializer(), new StringSerializer())) {
            for (int i = 0; i < 5; i++) {
                producer.send(new ProducerRecord<>(topic, 0, 5000L + i, null, "plain." + i));
            }
        }
    }

    static void read() {
        Properties properties = properties();
        properties.put("group.id", group);
        properties.put("isolation.level", "read_committed");
        properties.put("auto.offset.reset", "earliest");
        properties.put("enable.auto.commit", "false");
        try (var consumer = new KafkaConsumer<>(properties, new StringDeserializer(), new StringDeserializer())) {
            consumer.subscribe(List.of(topic));
            Map<Integer, List<String>> found = new TreeMap<>();
            int count = 0;
            long deadline = System.nanoTime() + Duration.ofSeconds(60).toNanos();
            while (count < 13 && System.nanoTime() < deadline) {
                for (var record : consumer.poll(Duration.ofMillis(100))) {
                    String line = record.offset() + ":" + record.value();
                    found.computeIfAbsent(record.partition(), p -> new ArrayList<>()).add(line);
                    count++;
                }
            }
            consumer.commitSync();
            say(found);
            var partition = new TopicPartition(topic, 0);
            say(consumer.offsetsForTimes(Map.of(partition, 1001L)).get(partition).offset());
            say(new TreeMap<>(byNumber(consumer.endOffsets(consumer.assignment()))));
            say(new TreeMap<>(byNumber(consumer.beginningOffsets(consumer.assignment()))));
        }
    }

    static Map<Integer, Long> byNumber(Map<TopicPartition, Long> offsets) {
        Map<Integer, Long> numbers = new HashMap<>();
        offsets.forEach((partition, offset) -> numbers.put(partition.partition(), offset));
        return numbers;
    }

    static void tell(Admin admin) throws Exception {
        Map<Integer, Long> committed = new TreeMap<>();
        var offsets = admin.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata().get();
        offsets.forEach((partition, offset) -> committed.put(partition.partition(), offset.offset()));
        say(committed);
        var description = admin.describeTopics(List.of(topic)).allTopicNames().get().get(topic);
        say(description.partitions().size() + " " + description.isInternal());
        say(admin.describeCluster().nodes().get().size());
        boolean isListed = admin.listGroups().all().get().stream().anyMatch(found -> found.groupId().equals(group));
        say(isListed);
    }
}
