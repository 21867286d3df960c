-- An order is looked up by its number, or the beginning of it, whatever its channel.
CREATE INDEX orders_by_name ON orders (order_id, channel);
