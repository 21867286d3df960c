package peer;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** Writes Avro's primitive types into bytes. */
final class AvroOutput {
    private byte[] bytes = new byte[128];
    private int at;

    byte[] toBytes() {
        return Arrays.copyOf(bytes, at);
    }

    AvroOutput writeLong(long number) {
        grow(10);
        long left = (number << 1) ^ (number >> 63);
        while ((left & ~0x7fL) != 0) {
            bytes[at++] = (byte) (left | 0x80);
            left >>>= 7;
        }
        bytes[at++] = (byte) left;
        return this;
    }

    AvroOutput writeString(String text) {
        return writeBytes(text.getBytes(StandardCharsets.UTF_8));
    }

    AvroOutput writeBytes(byte[] raw) {
        writeLong(raw.length);
        grow(raw.length);
        System.arraycopy(raw, 0, bytes, at, raw.length);
        at += raw.length;
        return this;
    }

    private void grow(int more) {
        if (at + more > bytes.length) {
            bytes = Arrays.copyOf(bytes, Math.max(at + more, 2 * bytes.length));
        }
    }
}
