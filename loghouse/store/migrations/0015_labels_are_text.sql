-- Waits until every part has the texts: then the maps can go.
ALTER TABLE {local:logs} {on_cluster} MODIFY COLUMN labels_json DEFAULT '';

ALTER TABLE {local:logs} {on_cluster} DROP COLUMN IF EXISTS labels;

ALTER TABLE logs {on_cluster} DROP COLUMN IF EXISTS labels;

-- For SQL of people: `labels['app']`. The language asks the text.
ALTER TABLE {local:logs} {on_cluster}
ADD COLUMN IF NOT EXISTS labels Map(String, String) ALIAS {labels_of_json} AFTER labels_json;

ALTER TABLE logs {on_cluster}
ADD COLUMN IF NOT EXISTS labels Map(String, String) ALIAS {labels_of_json} AFTER labels_json;
