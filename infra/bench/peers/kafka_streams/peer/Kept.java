package peer;

import com.fasterxml.jackson.core.JsonGenerator;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.kafka.common.serialization.Deserializer;
import org.apache.kafka.common.serialization.Serializer;

/** What the state store keeps, each under a name of its SKU: see {@link Fold}. */
sealed interface Kept {
    void write(AvroOutput to);

    /** As the journal tells it. */
    void tell(JsonGenerator to) throws IOException;

    /** How far a SKU has come, and its numbers by location. */
    final class Sku implements Kept {
        long seq;
        final TreeMap<String, long[]> at = new TreeMap<>();

        @Override
        public void write(AvroOutput to) {
            to.writeLong(0).writeLong(seq).writeLong(at.size());
            at.forEach((place, numbers) -> {
                to.writeString(place);
                for (long number : numbers) {
                    to.writeLong(number);
                }
            });
        }

        static Sku read(AvroInput from) {
            Sku found = new Sku();
            found.seq = from.readLong();
            for (int left = from.readInt(); left > 0; left--) {
                long[] numbers = new long[Fold.ACCOUNTS];
                found.at.put(from.readString(), numbers);
                for (int each = 0; each < numbers.length; each++) {
                    numbers[each] = from.readLong();
                }
            }
            return found;
        }

        @Override
        public void tell(JsonGenerator to) {
            throw new IllegalStateException("positions are told instead");
        }
    }

    /** What a demand line has at one location. */
    final class Part {
        final String place;
        long reserved;
        long allocated;

        Part(String place, long reserved, long allocated) {
            this.place = place;
            this.reserved = reserved;
            this.allocated = allocated;
        }
    }

    /** A demand line of an order. */
    final class Line implements Kept {
        final String channel;
        final long refused;
        Long expiresAt;
        List<Part> parts = new ArrayList<>();

        Line(String channel, long refused) {
            this.channel = channel;
            this.refused = refused;
        }

        @Override
        public void write(AvroOutput to) {
            to.writeLong(1).writeString(channel).writeLong(refused);
            to.writeLong(expiresAt == null ? 0 : expiresAt).writeLong(parts.size());
            for (Part part : parts) {
                to.writeString(part.place).writeLong(part.reserved).writeLong(part.allocated);
            }
        }

        static Line read(AvroInput from) {
            Line found = new Line(from.readString(), from.readLong());
            long expiresAt = from.readLong();
            found.expiresAt = expiresAt == 0 ? null : expiresAt;
            for (int left = from.readInt(); left > 0; left--) {
                found.parts.add(new Part(from.readString(), from.readLong(), from.readLong()));
            }
            return found;
        }

        @Override
        public void tell(JsonGenerator to) throws IOException {
            to.writeStartObject();
            to.writeStringField("channel", channel);
            to.writeArrayFieldStart("parts");
            for (Part part : parts) {
                to.writeStartArray();
                to.writeString(part.place);
                to.writeNumber(part.reserved);
                to.writeNumber(part.allocated);
                to.writeEndArray();
            }
            to.writeEndArray();
            to.writeNumberField("refused", refused);
            if (expiresAt != null) {
                to.writeNumberField("expires_at", expiresAt);
            }
            to.writeEndObject();
        }
    }

    /** Units at a place: what an allocation holds for the line {@code of}, or a transfer brings. */
    record Units(String of, String place, long units) implements Kept {
        @Override
        public void write(AvroOutput to) {
            to.writeLong(2).writeString(of).writeString(place).writeLong(units);
        }

        @Override
        public void tell(JsonGenerator to) throws IOException {
            to.writeStartArray();
            if (!of.isEmpty()) {
                to.writeString(of);
            }
            to.writeString(place);
            to.writeNumber(units);
            to.writeEndArray();
        }
    }

    /** A document that moves nothing, as it came. */
    record Document(byte[] value, Map<String, Object> fields) implements Kept {
        @Override
        public void write(AvroOutput to) {
            to.writeLong(3).writeBytes(value);
        }

        @Override
        public void tell(JsonGenerator to) throws IOException {
            Json.write(to, fields);
        }
    }

    /** The name of a line, under a reservation's. */
    record Name(String name) implements Kept {
        @Override
        public void write(AvroOutput to) {
            to.writeLong(4).writeString(name);
        }

        @Override
        public void tell(JsonGenerator to) throws IOException {
            to.writeString(name);
        }
    }

    /** The payload's hash of an event that was folded. */
    record Hash(long hash) implements Kept {
        @Override
        public void write(AvroOutput to) {
            to.writeLong(5).writeLong(hash);
        }

        @Override
        public void tell(JsonGenerator to) throws IOException {
            to.writeNumber(hash);
        }
    }

    Serializer<Kept> SERIALIZER = (topic, kept) -> {
        if (kept == null) {
            return null;
        }
        AvroOutput to = new AvroOutput();
        kept.write(to);
        return to.toBytes();
    };

    Deserializer<Kept> DESERIALIZER = (topic, bytes) -> {
        if (bytes == null) {
            return null;
        }
        AvroInput from = new AvroInput(bytes, 0);
        return switch (from.readInt()) {
            case 0 -> Sku.read(from);
            case 1 -> Line.read(from);
            case 2 -> new Units(from.readString(), from.readString(), from.readLong());
            case 3 -> new Document(from.readBytes(), Map.of());
            case 4 -> new Name(from.readString());
            case 5 -> new Hash(from.readLong());
            default -> throw new IllegalArgumentException("the store keeps something unknown");
        };
    };
}
