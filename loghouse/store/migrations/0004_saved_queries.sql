-- Queries that people saved. A change is a new row, a deletion too: the row of an id with the largest version holds.
CREATE TABLE IF NOT EXISTS {local:saved} {on_cluster}
(
    id String,
    owner String,
    name String,
    query String,
    view String,
    shared UInt8,
    position UInt32,
    deleted UInt8,
    version UInt64
)
ENGINE = {ReplacingMergeTree:saved}
ORDER BY id
SETTINGS {dedup_window}, fsync_after_insert = 1, fsync_part_directory = 1;

{distributed:saved};
