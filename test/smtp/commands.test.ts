import { dialogue } from '../kit/dialogue.ts'

describe('SMTP: commands', () => {
  dialogue('a message for one recipient is taken', {
    service: 'smtp',
    source: 'RFC 5321 §3.3',
    lines: `
      S: 220 localhost ESMTP …
      C: EHLO client.test
      S: 250-localhost greets [127.0.0.1]
      S: 250-PIPELINING
      S: 250-SIZE 50000000
      S: 250-8BITMIME
      S: 250-SMTPUTF8
      S: 250-ENHANCEDSTATUSCODES
      S: 250-AUTH PLAIN LOGIN
      S: 250 HELP
      C: MAIL FROM:<sender@example.org>
      S: 250 2.1.0 …
      C: RCPT TO:<alice@havre.test>
      S: 250 2.1.5 …
      C: DATA
      S: 354 …
      C: Subject: one
      C:
      C: Hello
      C: .
      S: 250 2.0.0 …
      C: QUIT
      S: 221 2.0.0 …
      S closes
    `,
  })
})
