-- A carriage return before the end of a line is a part of it, and not of the message or of a value.
ALTER TABLE {local:logs} {on_cluster} MODIFY COLUMN message String ALIAS {message};

ALTER TABLE parse {on_cluster} MODIFY QUERY
{parse};
