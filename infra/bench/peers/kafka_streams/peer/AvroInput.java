package peer;

import java.nio.charset.StandardCharsets;

/** Reads Avro's primitive types out of bytes. */
final class AvroInput {
    private final byte[] bytes;
    private int at;

    AvroInput(byte[] bytes, int at) {
        this.bytes = bytes;
        this.at = at;
    }

    boolean isAtEnd() {
        return at == bytes.length;
    }

    /** A zigzag number of variable length: Avro's int and long. */
    long readLong() {
        long found = 0;
        for (int shift = 0; ; shift += 7) {
            byte next = bytes[at++];
            found |= (long) (next & 0x7f) << shift;
            if (next >= 0) {
                return (found >>> 1) ^ -(found & 1);
            }
        }
    }

    int readInt() {
        return Math.toIntExact(readLong());
    }

    boolean readBoolean() {
        return bytes[at++] != 0;
    }

    String readString() {
        int length = readInt();
        String found = new String(bytes, at, length, StandardCharsets.UTF_8);
        at += length;
        return found;
    }

    byte[] readBytes() {
        byte[] found = new byte[readInt()];
        System.arraycopy(bytes, at, found, 0, found.length);
        at += found.length;
        return found;
    }
}
