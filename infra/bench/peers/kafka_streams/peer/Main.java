package peer;

import java.io.File;
import java.time.Duration;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;
import org.apache.kafka.streams.state.KeyValueBytesStoreSupplier;
import org.apache.kafka.streams.state.StoreBuilder;
import org.apache.kafka.streams.state.Stores;

/** The fold on Kafka Streams, exactly once: started with BOOTSTRAP PREFIX FOLDER SCHEMAS. */
public final class Main {
    private Main() {}

    public static void main(String[] arguments) throws Exception {
        String prefix = arguments[1];
        Schemas schemas = new Schemas(new File(arguments[3]));
        KafkaStreams streams = new KafkaStreams(topology(prefix, schemas), settings(arguments[0], prefix, arguments[2]));
        CountDownLatch ended = new CountDownLatch(1);
        streams.setUncaughtExceptionHandler(error -> {
            error.printStackTrace();
            ended.countDown();
            return StreamThreadExceptionResponse.SHUTDOWN_CLIENT;
        });
        Runtime.getRuntime().addShutdownHook(new Thread(() -> streams.close(Duration.ofSeconds(10))));
        streams.start();
        ended.await();
        System.exit(1);
    }

    private static Topology topology(String prefix, Schemas schemas) {
        String own = prefix + "kafka_streams.";
        KeyValueBytesStoreSupplier kind = "rocksdb".equals(given("store", "memory"))
                ? Stores.persistentKeyValueStore(FoldProcessor.STORE)
                : Stores.inMemoryKeyValueStore(FoldProcessor.STORE);
        StoreBuilder<?> store = Stores.keyValueStoreBuilder(
                kind, Serdes.String(), Serdes.serdeFrom(Kept.SERIALIZER, Kept.DESERIALIZER));
        if (Long.parseLong(given(StreamsConfig.STATESTORE_CACHE_MAX_BYTES_CONFIG, "0")) > 0) {
            store = store.withCachingEnabled();
        }
        return new Topology()
                .addSource("inputs", Serdes.ByteArray().deserializer(), Serdes.ByteArray().deserializer(), prefix + "inputs")
                .addProcessor("fold", () -> new FoldProcessor(schemas), "inputs")
                .addStateStore(store, "fold")
                .addSink(FoldProcessor.JOURNAL, own + "journal", Serdes.ByteArray().serializer(), Serdes.ByteArray().serializer(), "fold")
                .addSink(FoldProcessor.POSITIONS, own + "positions", Serdes.ByteArray().serializer(), Serdes.ByteArray().serializer(), "fold");
    }

    private static Properties settings(String bootstrap, String prefix, String folder) {
        Properties settings = new Properties();
        settings.put(StreamsConfig.APPLICATION_ID_CONFIG, prefix + "kafka_streams");
        settings.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, bootstrap);
        settings.put(StreamsConfig.STATE_DIR_CONFIG, folder);
        settings.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.EXACTLY_ONCE_V2);
        settings.put(StreamsConfig.REPLICATION_FACTOR_CONFIG, "1");
        tune(settings, StreamsConfig.NUM_STREAM_THREADS_CONFIG, "2");
        tune(settings, StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, "1000");
        tune(settings, StreamsConfig.STATESTORE_CACHE_MAX_BYTES_CONFIG, "0");
        tune(settings, StreamsConfig.BUFFERED_RECORDS_PER_PARTITION_CONFIG, "10000");
        tune(settings, StreamsConfig.producerPrefix(ProducerConfig.LINGER_MS_CONFIG), "50");
        tune(settings, StreamsConfig.producerPrefix(ProducerConfig.BATCH_SIZE_CONFIG), "1048576");
        tune(settings, StreamsConfig.producerPrefix(ProducerConfig.BUFFER_MEMORY_CONFIG), "134217728");
        tune(settings, StreamsConfig.producerPrefix(ProducerConfig.COMPRESSION_TYPE_CONFIG), "lz4");
        tune(settings, StreamsConfig.consumerPrefix(ConsumerConfig.MAX_POLL_RECORDS_CONFIG), "10000");
        tune(settings, StreamsConfig.consumerPrefix(ConsumerConfig.FETCH_MAX_BYTES_CONFIG), "67108864");
        tune(settings, StreamsConfig.consumerPrefix(ConsumerConfig.MAX_PARTITION_FETCH_BYTES_CONFIG), "8388608");
        settings.put(StreamsConfig.consumerPrefix(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG), "earliest");
        return settings;
    }

    private static void tune(Properties settings, String name, String usual) {
        settings.put(name, given(name, usual));
    }

    /** A setting from the command line ({@code -Dname=value}), for trying others. */
    private static String given(String name, String usual) {
        return System.getProperty(name, usual);
    }
}
