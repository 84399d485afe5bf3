/** Character sets: declared, undeclared, wrong. */
import { broken, type CorpusMessage, good, octets, single } from './message.ts'

/** Text in a character set, 8-bit as it is. */
const declared = (charset: string, body: Buffer): Buffer =>
  single(charset, [`Content-Type: text/plain; charset=${charset}`, 'Content-Transfer-Encoding: 8bit'], octets(body, '\r\n'))

const hex = (digits: string): Buffer => Buffer.from(digits.replaceAll(' ', ''), 'hex')

const inBase64 = (charset: string, body: Buffer): Buffer =>
  single(
    charset,
    [`Content-Type: text/plain; charset="${charset}"`, 'Content-Transfer-Encoding: base64'],
    `${body.toString('base64')}\r\n`,
  )

const utf16be = Buffer.from('Größe in sechzehn Bit\n', 'utf16le').swap16()

/** Each with what is to be seen of it. */
export const charsets: readonly CorpusMessage[] = [
  good('UTF-8, 8-bit', declared('utf-8', Buffer.from('Ein Fjörd, 日本, 🚢')), { text: ['Ein Fjörd, 日本, 🚢'], word: 'fjord' }),
  good('ISO-8859-1', declared('iso-8859-1', Buffer.from('Mit Wärme übergossen', 'latin1')), {
    text: ['Mit Wärme übergossen'],
    word: 'übergossen',
  }),
  good('ISO-8859-15', declared('iso-8859-15', hex('31 30 20 a4 20 62 61 72')), { text: ['10 € bar'] }),
  good('windows-1252', declared('windows-1252', hex('93 71 75 6f 74 65 94 20 80')), { text: ['“quote” €'] }),
  good('KOI8-R', declared('koi8-r', hex('d0 d2 c9 d7 c5 d4')), { text: ['привет'], word: 'привет' }),
  good('ISO-2022-JP', declared('iso-2022-jp', octets(hex('1b 24 42 24 33 24 73 24 4b 24 41 24 4f 1b 28 42'))), {
    text: ['こんにちは'],
  }),
  good('Shift_JIS', declared('shift_jis', hex('93 fa 96 7b')), { text: ['日本'] }),
  good('EUC-KR', declared('euc-kr', hex('c7 d1 b1 b9')), { text: ['한국'] }),
  good('Big5', declared('big5', hex('a4 a4 a4 e5')), { text: ['中文'] }),
  good('GB18030', declared('gb18030', hex('c4 e3 ba c3 20 95 32 82 36')), { text: ['你好'] }),
  good('UTF-16 with its mark, in base64', inBase64('utf-16', octets(hex('ff fe'), Buffer.from('sixteen bits\n', 'utf16le'))), {
    text: ['sixteen bits'],
    word: 'sixteen',
  }),
  good('UTF-16BE, in base64', inBase64('utf-16be', utf16be), { text: ['Größe in sechzehn Bit'] }),
  good('UTF-7', declared('utf-7', Buffer.from('Hi Mom -+Jjo--!')), { text: ['Hi Mom -☺-!'] }),
  good('UTF-8 with its mark', declared('utf-8', octets(hex('ef bb bf'), 'marked bytes')), { text: ['marked bytes'] }),
  good('utf8, misspelt', declared('utf8', Buffer.from('très bien')), { text: ['très bien'] }),
  broken(
    '8-bit without a character set',
    single('undeclared', [], octets(Buffer.from('undeclared caf\xe9 \x93\x94', 'latin1'), '\r\n')),
    { word: 'undeclared' },
  ),
  good('UTF-8 without a character set', single('undeclared UTF-8', ['Content-Type: text/plain'], 'naïvely undeclared\r\n'), {
    subject: 'undeclared UTF-8',
  }),
  broken('8-bit where US-ASCII is declared', declared('us-ascii', Buffer.from('seven bits? Jamais: \xe9', 'latin1'))),
  broken('ISO-8859-1 where UTF-8 is declared', declared('utf-8', Buffer.from('gr\xfcn und bl\xe4ulich', 'latin1'))),
  broken('an unknown character set', declared('x-unknown-9', Buffer.from('mystery \xf8\xd0', 'latin1'))),
  broken('a character set that is no word', declared('"; DROP TABLE charsets"', Buffer.from('bobby'))),
  broken('a multibyte character cut at the end', declared('utf-8', hex('61 e6 97'))),
]
