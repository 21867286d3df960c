package peer;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.util.ByteArrayBuilder;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.Map;

/** Values as JSON. */
final class Json {
    private static final JsonFactory FACTORY = new JsonFactory();

    private Json() {}

    /** Something that writes one value. */
    interface Told {
        void tell(JsonGenerator to) throws IOException;
    }

    static byte[] bytes(Told told) {
        try (ByteArrayBuilder bytes = new ByteArrayBuilder(512);
                JsonGenerator to = FACTORY.createGenerator(bytes)) {
            told.tell(to);
            to.flush();
            return bytes.toByteArray();
        } catch (IOException error) {
            throw new UncheckedIOException(error);
        }
    }

    /** What an Avro body holds. */
    static void write(JsonGenerator to, Object value) throws IOException {
        switch (value) {
            case null -> to.writeNull();
            case String text -> to.writeString(text);
            case Long number -> to.writeNumber(number);
            case Boolean flag -> to.writeBoolean(flag);
            case List<?> items -> {
                to.writeStartArray();
                for (Object item : items) {
                    write(to, item);
                }
                to.writeEndArray();
            }
            case Map<?, ?> fields -> {
                to.writeStartObject();
                for (Map.Entry<?, ?> field : fields.entrySet()) {
                    to.writeFieldName((String) field.getKey());
                    write(to, field.getValue());
                }
                to.writeEndObject();
            }
            default -> throw new IllegalArgumentException("no JSON for " + value.getClass());
        }
    }
}
