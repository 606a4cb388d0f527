-- A record keeps the number of the insert it came with through merges, so that a tail knows what is new.
ALTER TABLE {local:logs} {on_cluster} MODIFY SETTING enable_block_number_column = 1;
