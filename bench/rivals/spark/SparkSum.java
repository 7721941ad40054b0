import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.substring_index;
import static org.apache.spark.sql.functions.sum;

import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.streaming.StreamingQuery;
import org.apache.spark.sql.streaming.Trigger;

/**
 * Spark Structured Streaming, local mode: "key,value" lines, the running sum of each key after every
 * micro-batch, written as decimal text. Its Kafka sink is at-least-once. Ends at the end of the input.
 */
public final class SparkSum {
    public static void main(String[] words) throws Exception {
        Arguments arguments = new Arguments(words);
        SparkSession spark = session(arguments);
        Dataset<Row> lines = spark.readStream()
            .format("kafka")
            .option("kafka.bootstrap.servers", arguments.get("bootstrap-servers"))
            .option("subscribe", arguments.get("input"))
            .option("startingOffsets", "earliest")
            .option("maxOffsetsPerTrigger", arguments.get("batch-records"))
            .load();
        Column line = col("value").cast("string");
        Dataset<Row> sums = lines
            .select(substring_index(line, ",", 1).as("key"), substring_index(line, ",", -1).cast("long").as("number"))
            .groupBy(col("key"))
            .agg(sum(col("number")).as("sum"))
            .select(col("key"), col("sum").cast("string").as("value"));
        StreamingQuery query = sums.writeStream()
            .format("kafka")
            .option("kafka.bootstrap.servers", arguments.get("bootstrap-servers"))
            .option("topic", arguments.get("output"))
            .option("checkpointLocation", arguments.get("folder") + "/checkpoint")
            .outputMode("update")
            .trigger(Trigger.AvailableNow())
            .start();
        query.awaitTermination();
        System.exit(0);
    }

    private static SparkSession session(Arguments arguments) {
        String folder = arguments.get("folder"), threads = arguments.get("threads");
        SparkSession spark = SparkSession.builder()
            .appName("sum")
            .master("local[" + threads + "]")
            .config("spark.sql.shuffle.partitions", threads)
            .config("spark.ui.enabled", "false")
            .config("spark.driver.host", "127.0.0.1")
            .config("spark.driver.bindAddress", "127.0.0.1")
            .config("spark.local.dir", folder + "/local")
            .config("spark.sql.warehouse.dir", folder + "/warehouse")
            .getOrCreate();
        spark.sparkContext().setLogLevel("ERROR");
        return spark;
    }
}
