-- One payment as a transaction of its own: the rows that `Command::Receive` writes, and no others.
-- Variables: first, i (counts up), client_id. A colon in a text would be one too, hence chr(58).
\set i :i + 1
\set n :first + :client_id * 2500 + :i
BEGIN;
SELECT id AS charge, gen_random_uuid()::text AS payment FROM charge
    WHERE name = 'tax_office/' || CAST(:n AS text) FOR UPDATE \gset
INSERT INTO payment_order (id, charge, bank, end_to_end_id, payer, payee, kbk, amount_tiyn, step, rank,
    is_rejected, is_disputed, state, asset, claim, holds, version, node, attempt, opened_at_us,
    changed_at_us, deadline_us, inquiries, not_found, posted_at_us, operating_day, document_number,
    document_key, txn_id, txn_key, returned_tiyn, reason, agency, opened_by)
    VALUES (CAST(:payment AS text), CAST(:charge AS text), 'demo_bank',
    'GW' || replace(CAST(:payment AS text), '-', ''), '900101300017', '990140000017', '108125', 1987500,
    'submitted', 'posted', 0, 0, 'posted', 'receivable', 'payable', 1, 1, '', 0, 1795590000000000,
    1795590000000000, 1795590000000000, 0, 0, 1795590000000000, 20782, CAST(:n AS text),
    'demo_bank/20782/' || CAST(:n AS text), CAST(:n AS text), 'demo_bank/' || CAST(:n AS text), 0, '', 'tax_office', '');
INSERT INTO order_evidence (id, order_id, said, source, amount_tiyn, document_number, posted_at_us,
    heard_at_us, original_digest, note)
    VALUES ('demo_bank/receipt/' || CAST(:n AS text), CAST(:payment AS text), 'posted', 'notice', 1987500,
    CAST(:n AS text), 1795590000000000, 1795590000000000, repeat('0', 64), '');
INSERT INTO transfer (id, order_id, debit, credit, amount_tiyn, operating_day, moved_at_us)
    VALUES (CAST(:payment AS text) || '/1/0', CAST(:payment AS text), 'receivable' || chr(58) || 'demo_bank',
    concat_ws(chr(58), 'payable', '990140000017', '108125'), 1987500, 20782, 1795590000000000);
INSERT INTO order_change (id, order_id, version, state, cause, changed_at_us)
    VALUES (CAST(:payment AS text) || '/1', CAST(:payment AS text), 1, 'posted', 'receipt',
    1795590000000000);
COMMIT;
