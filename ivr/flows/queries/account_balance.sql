-- One invented account, so that the sample works without a bank. $1 is the account number.
SELECT customer, balance::float8, booked, movements
FROM (VALUES ('4539578763621486', 'customer-4539', 1234.50, '2026-11-20', 3))
    AS sample (number, customer, balance, booked, movements)
WHERE number = $1::text
