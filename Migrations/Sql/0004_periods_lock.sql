-- Waits for transactions that write, and keeps others from it for a moment: none may be in the middle of a trigger that is replaced.
LOCK TABLE users, usage_logs, credit_purchases IN SHARE ROW EXCLUSIVE MODE;
