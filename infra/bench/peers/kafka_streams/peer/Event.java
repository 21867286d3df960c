package peer;

import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Map;
import net.jpountz.xxhash.XXHash64;
import net.jpountz.xxhash.XXHashFactory;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.Headers;

/** An input: its CloudEvents attributes from the headers, its body from the value. */
record Event(
        String type,
        String sku,
        Map<String, Object> fields,
        byte[] value,
        String source,
        String id,
        long occurredUs,
        String correlationId,
        int schemaId,
        long payloadHash) {
    private static final XXHash64 HASH = XXHashFactory.fastestInstance().hash64();
    private static final int HEADER_BYTES = 5;

    static Event of(Schemas schemas, byte[] key, byte[] value, Headers headers) {
        Schemas.Body body = schemas.read(value);
        String sku = new String(key, StandardCharsets.UTF_8);
        if (!sku.equals(body.fields().get("sku"))) {
            throw new IllegalArgumentException("the key is not the event's SKU: " + sku);
        }
        if (!text(headers, "ce_type").equals("stockfold." + body.type())) {
            throw new IllegalArgumentException("ce_type is not the value's: " + body.type());
        }
        String id = text(headers, "ce_id");
        Header correlation = headers.lastHeader("correlationid");
        Instant at = Instant.parse(text(headers, "ce_time"));
        return new Event(
                body.type(),
                sku,
                body.fields(),
                value,
                text(headers, "ce_source"),
                id,
                at.getEpochSecond() * 1_000_000 + at.getNano() / 1_000,
                correlation == null ? id : new String(correlation.value(), StandardCharsets.UTF_8),
                body.schemaId(),
                HASH.hash(value, HEADER_BYTES, value.length - HEADER_BYTES, 0));
    }

    /** Under which its folding is remembered. */
    String name() {
        byte[] name = (source + " " + id).getBytes(StandardCharsets.UTF_8);
        return "e" + Long.toHexString(HASH.hash(name, 0, name.length, 0));
    }

    String text(String field) {
        return (String) fields.get(field);
    }

    long number(String field) {
        return (Long) fields.get(field);
    }

    private static String text(Headers headers, String name) {
        Header header = headers.lastHeader(name);
        if (header == null) {
            throw new IllegalArgumentException("header " + name + " is missing");
        }
        return new String(header.value(), StandardCharsets.UTF_8);
    }
}
