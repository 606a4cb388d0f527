-- The same rows. A regular expression runs over the records of its own format, and no longer over '' for each of all others.
ALTER TABLE parse {on_cluster} MODIFY QUERY
{parse};
