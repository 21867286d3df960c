package peer;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.File;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The schemas of stockfold's inputs, and what reads a body that was written by one of them. */
final class Schemas {
    private static final int HEADER_BYTES = 5;

    /** Reads one value of an Avro type. */
    private interface Reader {
        Object read(AvroInput from);
    }

    private record Schema(String name, Reader reader) {}

    /** A body; {@code type} is its type's name without namespace. */
    record Body(String type, int schemaId, Map<String, Object> fields) {}

    private final Map<Integer, Schema> byId = new HashMap<>();

    /** {@code file} has an object of Avro schemas by their ids. */
    Schemas(File file) throws IOException {
        JsonNode all = new ObjectMapper().readTree(file);
        all.properties().forEach(each -> {
            String name = each.getValue().get("name").asText();
            Reader reader = reader(each.getValue(), new HashMap<>());
            byId.put(Integer.valueOf(each.getKey()), new Schema(name.substring(name.lastIndexOf('.') + 1), reader));
        });
    }

    /** A value in Confluent's framing: a zero, the schema's id in four bytes, the body. */
    @SuppressWarnings("unchecked")
    Body read(byte[] value) {
        int id = ByteBuffer.wrap(value, 1, 4).getInt();
        Schema schema = byId.get(id);
        if (value[0] != 0 || schema == null) {
            throw new IllegalArgumentException("no schema has the id " + id);
        }
        AvroInput from = new AvroInput(value, HEADER_BYTES);
        Body body = new Body(schema.name(), id, (Map<String, Object>) schema.reader().read(from));
        if (!from.isAtEnd()) {
            throw new IllegalArgumentException("bytes are left after a " + body.type());
        }
        return body;
    }

    private static Reader reader(JsonNode type, Map<String, Reader> named) {
        if (type.isTextual()) {
            return switch (type.asText()) {
                case "null" -> from -> null;
                case "boolean" -> AvroInput::readBoolean;
                case "int", "long" -> AvroInput::readLong;
                case "string" -> AvroInput::readString;
                default -> named.get(type.asText());
            };
        }
        if (type.isArray()) {
            Reader[] branches = new Reader[type.size()];
            for (int each = 0; each < branches.length; each++) {
                branches[each] = reader(type.get(each), named);
            }
            return from -> branches[from.readInt()].read(from);
        }
        return switch (type.get("type").asText()) {
            case "record" -> named(type, named, record(type, named));
            case "enum" -> named(type, named, symbol(type));
            case "array" -> array(reader(type.get("items"), named));
            default -> reader(type.get("type"), named);
        };
    }

    private static Reader named(JsonNode type, Map<String, Reader> named, Reader reader) {
        named.put(type.get("name").asText(), reader);
        return reader;
    }

    private static Reader record(JsonNode type, Map<String, Reader> named) {
        int count = type.get("fields").size();
        String[] names = new String[count];
        Reader[] readers = new Reader[count];
        for (int each = 0; each < count; each++) {
            JsonNode field = type.get("fields").get(each);
            names[each] = field.get("name").asText();
            readers[each] = reader(field.get("type"), named);
        }
        return from -> {
            Map<String, Object> found = LinkedHashMap.newLinkedHashMap(count);
            for (int each = 0; each < count; each++) {
                found.put(names[each], readers[each].read(from));
            }
            return found;
        };
    }

    private static Reader symbol(JsonNode type) {
        List<String> symbols = new ArrayList<>();
        type.get("symbols").forEach(each -> symbols.add(each.asText()));
        return from -> symbols.get(from.readInt());
    }

    private static Reader array(Reader item) {
        return from -> {
            List<Object> found = new ArrayList<>();
            for (long count = from.readLong(); count != 0; count = from.readLong()) {
                if (count < 0) { // A block that tells its size, too.
                    count = -count;
                    from.readLong();
                }
                for (long each = 0; each < count; each++) {
                    found.add(item.read(from));
                }
            }
            return found;
        };
    }
}
