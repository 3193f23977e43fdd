-- expand: when something other than a silence last changed an incident (schemas/alert.py)
ALTER TABLE alerts ADD COLUMN IF NOT EXISTS heard_at Nullable(DateTime64(3, 'UTC')) AFTER at;
