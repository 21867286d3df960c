package peer;

import com.fasterxml.jackson.core.JsonGenerator;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashSet;
import java.util.Set;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueStore;

/** Folds each event over the state store, and tells the journal and the positions. */
final class FoldProcessor implements Processor<byte[], byte[], byte[], byte[]> {
    static final String STORE = "kept";
    static final String JOURNAL = "journal";
    static final String POSITIONS = "positions";

    private final Schemas schemas;
    private ProcessorContext<byte[], byte[]> context;
    private KeyValueStore<String, Kept> store;

    FoldProcessor(Schemas schemas) {
        this.schemas = schemas;
    }

    @Override
    public void init(ProcessorContext<byte[], byte[]> context) {
        this.context = context;
        store = context.getStateStore(STORE);
    }

    @Override
    public void process(Record<byte[], byte[]> record) {
        Event event = Event.of(schemas, record.key(), record.value(), record.headers());
        Fold.Outcome outcome = Fold.of(event, new OfSku(store, event.sku() + "|"));
        if (outcome == null) {
            return;
        }
        // Headers of the input are not the outputs'.
        long at = record.timestamp();
        byte[] fact = Json.bytes(to -> fact(to, event, outcome));
        context.forward(new Record<>(record.key(), fact, at), JOURNAL);
        Set<String> places = new LinkedHashSet<>();
        outcome.deltas().forEach(delta -> places.add(delta.place()));
        for (String place : places) {
            byte[] key = (place + "|" + event.sku()).getBytes(StandardCharsets.UTF_8);
            byte[] position = Json.bytes(to -> position(to, event.sku(), place, outcome.sku()));
            context.forward(new Record<>(key, position, at), POSITIONS);
        }
    }

    private void fact(JsonGenerator to, Event event, Fold.Outcome outcome) throws IOException {
        to.writeStartObject();
        to.writeStringField("sku", event.sku());
        to.writeNumberField("seq", outcome.sku().seq);
        to.writeStringField("type", event.type());
        to.writeArrayFieldStart("deltas");
        for (Fold.Delta delta : outcome.deltas()) {
            to.writeStartArray();
            to.writeString(delta.place());
            to.writeNumber(delta.account());
            to.writeNumber(delta.units());
            to.writeEndArray();
        }
        to.writeEndArray();
        to.writeFieldName("kept");
        if (outcome.kept() == null) {
            to.writeNull();
        } else {
            outcome.kept().tell(to);
        }
        to.writeStringField("source", event.source());
        to.writeStringField("event_id", event.id());
        to.writeNumberField("occurred_at", event.occurredUs());
        to.writeStringField("correlation_id", event.correlationId());
        to.writeStringField("topic", "inputs");
        to.writeNumberField("offset", context.recordMetadata().orElseThrow().offset());
        to.writeNumberField("schema_id", event.schemaId());
        to.writeNumberField("payload_hash", event.payloadHash());
        to.writeEndObject();
    }

    private static void position(JsonGenerator to, String sku, String place, Kept.Sku kept) throws IOException {
        long[] numbers = kept.at.get(place);
        to.writeStartObject();
        to.writeStringField("sku", sku);
        to.writeStringField("location", place);
        to.writeNumberField("seq", kept.seq);
        to.writeFieldName("numbers");
        to.writeArray(numbers, 0, numbers.length);
        to.writeNumberField("atp", numbers[Fold.ON_HAND] - numbers[Fold.RESERVED] - numbers[Fold.ALLOCATED]);
        to.writeEndObject();
    }

    /** The entries of one SKU. */
    private record OfSku(KeyValueStore<String, Kept> store, String prefix) implements Fold.Store {
        @Override
        public <T extends Kept> T get(String name, Class<T> type) {
            return type.cast(store.get(prefix + name));
        }

        @Override
        public void put(String name, Kept kept) {
            store.put(prefix + name, kept);
        }
    }
}
