-- Who may do what in Qaqpa's database. A database administrator runs it once, in that database,
-- before the first `qaqpa migrate`; running it again changes nothing.
--
--   psql -d qaqpa -f roles.sql
--   \password qaqpa_app
--   \password qaqpa_migrate
--
-- qaqpa_migrate  owns the schema; `qaqpa migrate` connects as it, the gateway never does.
-- qaqpa_app      the gateway. It may INSERT and SELECT evidence, never UPDATE or DELETE it. Tables it
--                may change are call_key (which calls are remembered, and their answers), entry_under_way
--                (which have not ended), entry_waiting (which wait for evidence), quota_lease (what each
--                node asks of a quota) and, of payments, orders, charges, runs, breaks and what is
--                remembered for them; the ledger and what was done with a break never. Those grants stand
--                beside the tables, in src/journal/schema and src/payments/schema.

DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'qaqpa_migrate') THEN
        CREATE ROLE qaqpa_migrate LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'qaqpa_app') THEN
        CREATE ROLE qaqpa_app LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE;
    END IF;
END $$;

CREATE SCHEMA IF NOT EXISTS qaqpa AUTHORIZATION qaqpa_migrate;
REVOKE ALL ON SCHEMA qaqpa FROM PUBLIC;
GRANT USAGE ON SCHEMA qaqpa TO qaqpa_app;

-- Every table that qaqpa_migrate will create there, each day's partitions too.
ALTER DEFAULT PRIVILEGES FOR ROLE qaqpa_migrate IN SCHEMA qaqpa
    GRANT SELECT, INSERT ON TABLES TO qaqpa_app;
