package peer;

import java.util.ArrayList;
import java.util.List;

/**
 * The rules of {@code fold.py} beside this folder, type by type: what an event moves and keeps.
 *
 * <p>Names under which something is kept: s the SKU, e an event, l a line, r a reservation, a an
 * allocation, t a transfer; i, b, f and q documents that move nothing.
 */
final class Fold {
    static final int ON_HAND = 0;
    static final int RESERVED = 1;
    static final int ALLOCATED = 2;
    static final int DAMAGED = 3;
    static final int IN_TRANSIT = 4;
    static final int ACCOUNTS = 5;

    /** The framework's state of the SKU in hand. */
    interface Store {
        <T extends Kept> T get(String name, Class<T> type);

        void put(String name, Kept kept);
    }

    /** Units that came to an account of a place, or left it. */
    record Delta(String place, int account, long units) {}

    private final Store store;
    private final Event event;
    private final Kept.Sku sku;
    final List<Delta> deltas = new ArrayList<>(4);

    private Fold(Store store, Event event, Kept.Sku sku) {
        this.store = store;
        this.event = event;
        this.sku = sku;
    }

    /** What came of an event; {@code kept} may be null. */
    record Outcome(Kept.Sku sku, List<Delta> deltas, Kept kept) {}

    /** Folds an event that was not folded before; else null. */
    static Outcome of(Event event, Store store) {
        String name = event.name();
        if (store.get(name, Kept.Hash.class) != null) {
            return null;
        }
        Kept.Sku sku = store.get("s", Kept.Sku.class);
        Fold fold = new Fold(store, event, sku == null ? new Kept.Sku() : sku);
        Kept kept = fold.apply();
        fold.sku.seq++;
        for (Delta delta : fold.deltas) {
            fold.sku.at.computeIfAbsent(delta.place(), place -> new long[ACCOUNTS])[delta.account()] += delta.units();
        }
        store.put("s", fold.sku);
        store.put(name, new Kept.Hash(event.payloadHash()));
        return new Outcome(fold.sku, fold.deltas, kept);
    }

    private Kept apply() {
        String place = event.text("location");
        return switch (event.type()) {
            case "GoodsReceived" -> moved(place, ON_HAND, event.number("quantity"));
            case "ReserveStock" -> reserve();
            case "ReleaseReservation" -> free(reservedLine());
            case "OrderLineCancelled" -> free(lineName());
            case "ExtendReservation" -> extend(reservedLine());
            case "MoveReservation" -> move(reservedLine(), place);
            case "StockAllocated" -> allocate(place);
            case "StockDeallocated" -> deallocate();
            case "StockShipped" -> ship(place);
            case "TransferDispatched" -> dispatch();
            case "TransferReceived" -> arrive(place);
            case "TransferClosed" -> close();
            case "InboundExpected" -> note("i", event.text("inbound"), event.text("line"));
            case "InboundClosed" -> note("i", event.text("inbound"));
            case "ReturnAuthorized" -> note("b", event.text("return"));
            case "ReturnReceived" -> moved(place, DAMAGED, event.number("quantity"));
            case "ReturnDispositioned" -> between(place, DAMAGED, ON_HAND);
            case "StockAdjusted" -> moved(place, ON_HAND, event.number("delta"));
            case "StockStatusChanged" -> between(place, ON_HAND, DAMAGED);
            case "StockCounted" -> counted(place, event.number("counted"));
            case "StockSnapshotReported" -> counted(place, event.number("quantity"));
            case "RingFenceSet" -> note("f", event.text("channel"));
            case "BackorderLimitSet" -> note("q", event.text("channel"));
            default -> throw new IllegalArgumentException("no rule for " + event.type());
        };
    }

    private Kept moved(String place, int account, long units) {
        deltas.add(new Delta(place, account, units));
        return null;
    }

    private Kept between(String place, int from, int to) {
        moved(place, from, -event.number("quantity"));
        return moved(place, to, event.number("quantity"));
    }

    private Kept counted(String place, long units) {
        long[] numbers = sku.at.get(place);
        return moved(place, ON_HAND, units - (numbers == null ? 0 : numbers[ON_HAND]));
    }

    private String lineName() {
        return "l" + event.text("order") + "|" + event.text("line");
    }

    /** The name of the line that a reservation is of; null for none. */
    private String reservedLine() {
        Kept.Name name = store.get("r" + event.text("reservation"), Kept.Name.class);
        return name == null ? null : name.name();
    }

    private Kept.Line line(String name) {
        return name == null ? null : store.get(name, Kept.Line.class);
    }

    @SuppressWarnings("unchecked")
    private Kept reserve() {
        List<String> places = (List<String>) event.fields().get("locations");
        List<Kept.Part> parts = new ArrayList<>(2);
        long left = event.number("quantity");
        for (String place : places.isEmpty() ? List.copyOf(sku.at.keySet()) : places) {
            long[] numbers = sku.at.get(place);
            long free = numbers == null ? 0 : numbers[ON_HAND] - numbers[RESERVED] - numbers[ALLOCATED];
            long taken = Math.min(left, free);
            if (taken > 0) {
                moved(place, RESERVED, taken);
                parts.add(new Kept.Part(place, taken, 0));
                left -= taken;
            }
        }
        Kept.Line line = new Kept.Line(event.text("channel"), left);
        line.parts = parts;
        store.put(lineName(), line);
        store.put("r" + event.text("reservation"), new Kept.Name(lineName()));
        return line;
    }

    private Kept free(String name) {
        Kept.Line line = line(name);
        if (line == null) {
            return null;
        }
        for (Kept.Part part : line.parts) {
            if (part.reserved != 0) {
                moved(part.place, RESERVED, -part.reserved);
            }
            if (part.allocated != 0) {
                moved(part.place, ALLOCATED, -part.allocated);
            }
            part.reserved = part.allocated = 0;
        }
        store.put(name, line);
        return line;
    }

    private Kept extend(String name) {
        Kept.Line line = line(name);
        if (line != null) {
            line.expiresAt = event.number("expires_at");
            store.put(name, line);
        }
        return line;
    }

    private Kept move(String name, String place) {
        Kept.Line line = line(name);
        if (line == null) {
            return null;
        }
        long units = 0;
        for (Kept.Part part : line.parts) {
            moved(part.place, RESERVED, -part.reserved);
            units += part.reserved;
        }
        moved(place, RESERVED, units);
        line.parts = new ArrayList<>(List.of(new Kept.Part(place, units, 0)));
        store.put(name, line);
        return line;
    }

    private Kept allocate(String place) {
        Kept.Line known = line(lineName());
        Kept.Line line = known == null ? new Kept.Line("", 0) : known;
        long quantity = event.number("quantity");
        moved(place, ALLOCATED, quantity);
        long left = quantity;
        for (Kept.Part part : line.parts) {
            long drawn = Math.min(part.reserved, left);
            if (drawn != 0) {
                moved(part.place, RESERVED, -drawn);
                part.reserved -= drawn;
                left -= drawn;
            }
        }
        line.parts.add(new Kept.Part(place, 0, quantity));
        store.put(lineName(), line);
        store.put("a" + event.text("allocation"), new Kept.Units(lineName(), place, quantity));
        return line;
    }

    private Kept deallocate() {
        String name = "a" + event.text("allocation");
        Kept.Units allocation = store.get(name, Kept.Units.class);
        if (allocation == null || allocation.units() == 0) {
            return null;
        }
        Kept.Line line = line(allocation.of());
        moved(allocation.place(), ALLOCATED, -allocation.units());
        moved(allocation.place(), RESERVED, allocation.units());
        line.parts.add(new Kept.Part(allocation.place(), allocation.units(), -allocation.units()));
        store.put(allocation.of(), line);
        store.put(name, new Kept.Units(allocation.of(), allocation.place(), 0));
        return line;
    }

    private Kept ship(String place) {
        long units = event.number("quantity");
        String name = "a" + event.text("allocation");
        Kept.Units allocation = store.get(name, Kept.Units.class);
        moved(place, ON_HAND, -units);
        if (allocation == null) {
            return null;
        }
        long drawn = Math.min(units, allocation.units());
        if (drawn != 0) {
            moved(allocation.place(), ALLOCATED, -drawn);
            allocation = new Kept.Units(allocation.of(), allocation.place(), allocation.units() - drawn);
            store.put(name, allocation);
        }
        if (units > drawn) {
            draw(allocation.of(), units - drawn);
        }
        return allocation;
    }

    private void draw(String name, long units) {
        Kept.Line line = line(name);
        long left = units;
        for (Kept.Part part : line.parts) {
            long drawn = Math.min(part.reserved, left);
            if (drawn > 0) {
                moved(part.place, RESERVED, -drawn);
                part.reserved -= drawn;
                left -= drawn;
            }
        }
        store.put(name, line);
    }

    private Kept dispatch() {
        long units = event.number("quantity");
        moved(event.text("from"), ON_HAND, -units);
        moved(event.text("to"), IN_TRANSIT, units);
        return transfer(event.text("to"), units);
    }

    private Kept transfer(String place, long units) {
        Kept.Units transfer = new Kept.Units("", place, units);
        store.put("t" + event.text("transfer"), transfer);
        return transfer;
    }

    private Kept arrive(String place) {
        Kept.Units known = store.get("t" + event.text("transfer"), Kept.Units.class);
        Kept.Units transfer = known == null ? new Kept.Units("", place, 0) : known;
        long units = event.number("quantity");
        moved(place, ON_HAND, units);
        long drawn = Math.min(transfer.units(), units);
        moved(transfer.place(), IN_TRANSIT, -drawn);
        return transfer(transfer.place(), transfer.units() - drawn);
    }

    private Kept close() {
        Kept.Units transfer = store.get("t" + event.text("transfer"), Kept.Units.class);
        if (transfer != null) {
            moved(transfer.place(), IN_TRANSIT, -transfer.units());
            transfer(transfer.place(), 0);
        }
        return null;
    }

    private Kept note(String kind, String... named) {
        Kept.Document document = new Kept.Document(event.value(), event.fields());
        store.put(kind + "|" + String.join("|", named), document);
        return document;
    }
}
