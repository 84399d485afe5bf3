/** What each row of POP3's command table is shown by. */
/** One dialogue each in which a row's command succeeds, comes in the wrong state, and has bad arguments; null where there is none. */
export interface Examples {
  readonly good: string
  /** The answer to it before the login, or after it. */
  readonly misplaced: { readonly as?: 'alice'; readonly lines: string } | null
  readonly malformed: string | null
}

const inTransaction = (lines: string) => ({ as: 'alice' as const, lines })
const beforeLogin = (command: string) => ({ lines: `C: ${command}\nS: -ERR Log in first: …` })
const afterLogin = (command: string) => inTransaction(`C: ${command}\nS: -ERR You are logged in already`)
export const mailbox = ['Subject: one\n\nfirst\n.second\nthird', 'Subject: two\n\nbody']

export const examples: Readonly<Record<string, Examples>> = {
  USER: {
    good: `
      C: USER alice
      S: +OK Send PASS
    `,
    misplaced: afterLogin('USER alice'),
    malformed: `
      C: USER
      S: -ERR Usage: USER name
      C: USER alice liddell
      S: -ERR Usage: USER name
      C: USER al\\x07ice
      S: -ERR Usage: USER name
      C: USER \\xff
      S: -ERR Usage: USER name
    `,
  },
  PASS: {
    good: `
      C: USER alice
      S: +OK …
      C: PASS wonder land:1
      S: +OK Logged in: 2 messages (61 octets)
    `,
    misplaced: afterLogin('PASS x'),
    malformed: `
      C: USER alice
      S: +OK …
      C: PASS
      S: -ERR Usage: PASS password
      C: PASS \\x00
      S: -ERR Usage: PASS password
    `,
  },
  AUTH: {
    good: `
      C: AUTH PLAIN AGFsaWNlAHdvbmRlciBsYW5kOjE=
      S: +OK Logged in: 2 messages (61 octets)
    `,
    misplaced: afterLogin('AUTH PLAIN AGFsaWNlAHg='),
    malformed: `
      C: AUTH PLAIN = =
      S: -ERR Usage: AUTH [mechanism [initial-response]]
    `,
  },
  CAPA: {
    good: `
      C: CAPA
      S: +OK Capabilities follow
      S: USER
      S: SASL PLAIN SCRAM-SHA-256
      S: TOP
      S: UIDL
      S: UTF8 USER
      S: LANG
      S: PIPELINING
      S: RESP-CODES
      S: AUTH-RESP-CODE
      S: EXPIRE NEVER
      S: .
    `,
    misplaced: null,
    malformed: `
      C: CAPA all
      S: -ERR Usage: CAPA
    `,
  },
  STAT: {
    good: `
      C: STAT
      S: +OK 2 61
    `,
    misplaced: beforeLogin('STAT'),
    malformed: `
      C: STAT 1
      S: -ERR Usage: STAT
    `,
  },
  LIST: {
    good: `
      C: LIST
      S: +OK 2 messages (61 octets)
      S: 1 39
      S: 2 22
      S: .
      C: LIST 2
      S: +OK 2 22
    `,
    misplaced: beforeLogin('LIST'),
    malformed: `
      C: LIST x
      S: -ERR Usage: LIST [number]
      C: LIST -1
      S: -ERR Usage: LIST [number]
      C: LIST 1 2
      S: -ERR Usage: LIST [number]
    `,
  },
  RETR: {
    good: `
      C: RETR 1
      S: +OK 39 octets
      S: Subject: one
      S:
      S: first
      S: ..second
      S: third
      S: .
    `,
    misplaced: beforeLogin('RETR 1'),
    malformed: `
      C: RETR
      S: -ERR Usage: RETR number
      C: RETR one
      S: -ERR Usage: RETR number
      C: RETR 1 2
      S: -ERR Usage: RETR number
      C: RETR +1
      S: -ERR Usage: RETR number
      C: RETR 1.0
      S: -ERR Usage: RETR number
      C: RETR 0x1
      S: -ERR Usage: RETR number
      C: RETR 1e0
      S: -ERR Usage: RETR number
      C: RETR ١
      S: -ERR Usage: RETR number
    `,
  },
  DELE: {
    good: `
      C: DELE 1
      S: +OK Message 1 marked: …
    `,
    misplaced: beforeLogin('DELE 1'),
    malformed: `
      C: DELE
      S: -ERR Usage: DELE number
      C: DELE 1 2
      S: -ERR Usage: DELE number
    `,
  },
  NOOP: {
    good: `
      C: NOOP
      S: +OK …
    `,
    misplaced: beforeLogin('NOOP'),
    malformed: `
      C: NOOP now
      S: -ERR Usage: NOOP
    `,
  },
  RSET: {
    good: `
      C: RSET
      S: +OK 2 messages (61 octets)
    `,
    misplaced: beforeLogin('RSET'),
    malformed: `
      C: RSET 1
      S: -ERR Usage: RSET
    `,
  },
  TOP: {
    good: `
      C: TOP 1 2
      S: +OK Top of message follows
      S: Subject: one
      S:
      S: first
      S: ..second
      S: .
      C: TOP 1 0
      S: +OK …
      S: Subject: one
      S:
      S: .
    `,
    misplaced: beforeLogin('TOP 1 0'),
    malformed: `
      C: TOP
      S: -ERR Usage: TOP number lines
      C: TOP 1
      S: -ERR Usage: TOP number lines
      C: TOP 1 -1
      S: -ERR Usage: TOP number lines
      C: TOP 1 2 3
      S: -ERR Usage: TOP number lines
    `,
  },
  UIDL: {
    good: `
      C: UIDL
      S: +OK …
      S: 1 uid-1
      S: 2 uid-2
      S: .
      C: UIDL 2
      S: +OK 2 uid-2
    `,
    misplaced: beforeLogin('UIDL'),
    malformed: `
      C: UIDL x
      S: -ERR Usage: UIDL [number]
      C: UIDL 1 2
      S: -ERR Usage: UIDL [number]
    `,
  },
  // With TLS: tls.test.ts.
  STLS: {
    good: `
      C: STLS
      S: -ERR TLS is not offered here
    `,
    misplaced: afterLogin('STLS'),
    malformed: `
      C: STLS now
      S: -ERR Usage: STLS
    `,
  },
  UTF8: {
    good: `
      C: UTF8
      S: +OK …
    `,
    misplaced: afterLogin('UTF8'),
    malformed: `
      C: UTF8 USER
      S: -ERR Usage: UTF8
    `,
  },
  LANG: {
    good: `
      C: LANG de
      S: +OK de Von jetzt an auf Deutsch
    `,
    misplaced: null,
    malformed: `
      C: LANG de en
      S: -ERR Usage: LANG [language]
      C: LANG d_e
      S: -ERR Usage: LANG [language]
    `,
  },
  QUIT: {
    good: `
      C: QUIT
      S: +OK Goodbye
      S closes
    `,
    misplaced: null,
    malformed: `
      C: QUIT now
      S: -ERR Usage: QUIT
    `,
  },
  APOP: {
    good: `
      C: APOP alice c4c9334bac560ecc979e58001b3e22fb
      S: -ERR APOP is not offered: use USER and PASS, or AUTH
    `,
    misplaced: null,
    malformed: null,
  },
  LAST: {
    good: `
      C: LAST
      S: -ERR LAST is gone from the protocol: …
    `,
    misplaced: null,
    malformed: null,
  },
  XTND: {
    good: `
      C: XTND XMIT
      S: -ERR XTND is not offered: …
    `,
    misplaced: null,
    malformed: null,
  },
}
