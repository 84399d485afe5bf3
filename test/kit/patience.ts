/**
 * How long a test waits for what comes soon on an idle machine, in ms: long, for a busy one, since only a test that fails waits so long.
 * `HAVRE_TEST_PATIENCE_MS` shortens it where failures are expected (test/guards).
 */
export const patienceMs = Number(process.env['HAVRE_TEST_PATIENCE_MS'] ?? 50_000)
