-- Chunks to records. The SELECT is made from the format packs (loghouse/formats) when the migration is rendered.
CREATE MATERIALIZED VIEW IF NOT EXISTS parse {on_cluster} TO {local:logs} AS
{parse};
