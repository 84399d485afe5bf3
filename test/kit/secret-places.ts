/** Where clients say a password: where it belongs, and everywhere it has been seen to go astray. */

const base64 = (text: string): string => Buffer.from(text).toString('base64')
const plain = (user: string, password: string): string => base64(`\0${user}\0${password}`)

/** All forms in which it travels; whole, and in the cases that servers make of commands. Short ones would be found by chance. */
export const secretForms = (user: string, password: string): string[] =>
  [
    password,
    password.toLowerCase(),
    password.toUpperCase(),
    base64(password),
    plain(user, password),
    base64(`${user}\0${user}\0${password}`),
    base64(`${user}:${password}`),
    encodeURIComponent(password),
    encodeURI(password),
    Buffer.from(password).toString('hex'),
    JSON.stringify(password).slice(1, -1),
    Buffer.from(password).toString('latin1'),
  ].filter((form) => form.length >= 6)

/** A line of a client; octets where it is more than text. */
export type Said = string | Buffer

const octets = (text: string): Buffer => Buffer.from(text, 'latin1')
/** As it comes over the wire when a program speaks TLS to a port in clear; line feeds in it make lines of it. */
const clientHello = (password: string): Buffer =>
  Buffer.concat([octets('\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\n\x00'), Buffer.from(password), octets('\n\xff\x00')])

/** What programs for other services say; the same for all line protocols. */
const strangers = (user: string, password: string): readonly (readonly Said[])[] => [
  [password],
  [`${password} ${password}`],
  [clientHello(password)],
  [Buffer.concat([octets('\x00\x01\x80'), Buffer.from(password)])],
  [`GET /login?password=${encodeURIComponent(password)} HTTP/1.1`, `Authorization: Basic ${base64(`${user}:${password}`)}`, ''],
  [`a1 LOGIN ${user} ${password}`],
  [`LOGIN ${user} ${password}`],
  [`FROB ${password}`],
  [`XPASS ${password}`],
  [password.repeat(1_000)],
  [`QUIT ${password}`],
]

/** A login of two commands, and what becomes of it in hands that are in a hurry. */
const userAndPass = (user: string, password: string): readonly (readonly Said[])[] => [
  ...strangers(user, password),
  ...strangers(user, password).map((lines) => [`USER ${user}`, ...lines]),
  [`user ${user}`, `pass ${password}`],
  [`PASS ${password}`],
  [`USER ${user}`, ` PASS ${password}`],
  [`USER ${user}`, `PASS  ${password}`],
  [`USER ${user}`, `PASS\t${password}`],
  [`USER ${user}`, `PASS${password}`],
  [`USER ${user} ${password}`],
  [`USER ${user} PASS ${password}`],
]

/** Conversations in which it is said, one connection each. The lines of one follow each other whatever the server says. */
export const secretPlaces = (
  user: string,
  password: string,
): Readonly<Record<'smtp' | 'pop3' | 'ftp', readonly (readonly Said[])[]>> => ({
  smtp: [
    ...strangers(user, password).map((lines) => ['EHLO client.test', ...lines]),
    ...strangers(user, password),
    ['EHLO client.test', `AUTH PLAIN ${plain(user, password)}`],
    ['EHLO client.test', 'AUTH PLAIN', plain(user, password)],
    ['EHLO client.test', 'AUTH LOGIN', base64(user), base64(password)],
    ['EHLO client.test', `AUTH LOGIN ${base64(user)}`, base64(password)],
    ['EHLO client.test', 'AUTH LOGIN', user, password],
    ['EHLO client.test', `auth plain ${plain(user, password)}`],
    ['EHLO client.test', ` AUTH PLAIN ${plain(user, password)}`],
    ['EHLO client.test', `AUTH  PLAIN  ${plain(user, password)}`],
    ['EHLO client.test', `AUTH\tPLAIN\t${plain(user, password)}`],
    ['EHLO client.test', `AUTH ${plain(user, password)}`],
    ['EHLO client.test', `AUTH ${password}`],
    [`AUTH PLAIN ${plain(user, password)}`],
    ['HELO client.test', `AUTH PLAIN ${plain(user, password)}`],
    // A client that goes on where it was refused says its password as a command.
    ['EHLO client.test', 'AUTH CRAM-MD5', base64(user), base64(password), plain(user, password), password],
    ['EHLO client.test', `AUTH PLAIN ${plain(user, password)}`, `AUTH PLAIN ${plain(user, password)}`],
    ['EHLO client.test', `AUTH PLAIN ${plain(user, password).repeat(80)}`],
    ['EHLO client.test', 'AUTH PLAIN', plain(user, password).repeat(800), password],
    ['EHLO client.test', `AUTH XOAUTH2 ${base64(`user=${user}\u0001auth=Bearer ${password}\u0001\u0001`)}`],
    ['EHLO client.test', `AUTHPLAIN ${plain(user, password)}`, password, `PASS ${password}`],
    ['EHLO client.test', `AUTH PLAIN\u0000${password}`],
    ['EHLO client.test', 'MAIL FROM:<a@example.org>', `AUTH PLAIN ${plain(user, password)}`],
    [
      'EHLO client.test',
      'MAIL FROM:<a@example.org>',
      `RCPT TO:<${user}@havre.test>`,
      'DATA',
      `Subject: ${password}`,
      '',
      password,
      '.',
      'QUIT',
    ],
    ['EHLO client.test', 'MAIL FROM:<a@example.org>', `RCPT TO:<${user}@havre.test>`, 'DATA', password, `.${password}`, password],
    ['EHLO client.test', `DATA ${password}`, `RSET ${password}`, `STARTTLS ${password}`, `BDAT ${password}`],
  ],
  pop3: [
    ...userAndPass(user, password),
    [`USER ${user}`, `PASS ${password}`, 'STAT', 'QUIT'],
    [`AUTH PLAIN ${plain(user, password)}`],
    ['AUTH PLAIN', plain(user, password)],
    ['AUTH', plain(user, password)],
    [`AUTH ${plain(user, password)}`],
    ['AUTH LOGIN', base64(user), base64(password)],
    [`APOP ${user} ${password}`],
    [`USER ${user}`, `PASS ${password}`, `PASS ${password}`],
    [`USER ${user}`, `PASSWORD ${password}`, password],
    [`USER ${user}`, `PASS ${password.repeat(60)}`],
    [`USER ${user}`, `PASS ${password.repeat(60)}`, password],
    [`LIST ${password}`, `RETR ${password}`, `TOP 1 ${password}`, `XTND ${password}`, `NOOP ${password}`],
  ],
  ftp: [
    ...userAndPass(user, password),
    [`USER ${user}`, `PASS ${password}`, 'PWD', 'QUIT'],
    [`USER ${user}`, Buffer.concat([octets('\xff\xf4\xff\xf2PA\xff\xfb\x01SS '), Buffer.from(password)])],
    [`USER ${user}`, Buffer.concat([octets('\xf2PASS '), Buffer.from(password)])],
    [`USER ${user}`, `ACCT ${password}`],
    [`USER ${user}`, `PASS ${password}`, `PASS ${password}`, `ACCT ${password}`],
    [`USER ${user}`, `PASSWORD ${password}`, password],
    [`USER ${user}`, `PASS ${password.repeat(400)}`],
    [`USER ${user}`, `PASS ${password.repeat(400)}`, password],
    [`USER ${user}`, `PASS ${password}`, `SITE PSWD ${password} other`],
    [`USER ${user}`, `NOOP ${password}`, `PWD ${password}`, `PASV ${password}`, `REIN ${password}`],
  ],
})
