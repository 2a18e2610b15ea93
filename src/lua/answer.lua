-- Gives a status back: run for an operator, whose rights are checked before, and
-- what came of a call is noted after. Touches no key itself.
-- KEYS  1 prefix
-- ARGV  1 status
-- Gives {'ok'}, or any other
return { ARGV[1] }
