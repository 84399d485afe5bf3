/** Why Havre answers a row otherwise than nginx or Caddy does. The first that fits a row's name counts. */

const reasons: readonly (readonly [names: RegExp, why: string])[] = [
  [
    /^Transfer-Encoding: "(?:, ?chunked,?|chunked,)"/,
    'Refused and closed by all: an empty element (RFC 9110 §5.6.1.2) beside what frames the request; 400, the others say 501',
  ],
  [/^OPTIONS of a file$/, 'OPTIONS is answered with Allow (RFC 9110 §9.3.7); nginx does not take it, Caddy sends the file'],
  [/^(?:OPTIONS of the server|Max-Forwards of OPTIONS)/, 'The asterisk is for OPTIONS of the whole server (RFC 9112 §3.2.4)'],
  [/^OPTIONS of an absolute target/, 'Without a path it is the same as the asterisk (RFC 9112 §3.2.4)'],
  [/^(?:an asterisk for GET|TRACE of the server)$/, 'The asterisk belongs to OPTIONS (RFC 9112 §3.2.4)'],
  [
    /^(?:POST |a 405 keeps)/,
    'A file is not something to post to: 405 with Allow (RFC 9110 §15.5.6); nginx tells no Allow, Caddy sends the file to any method',
  ],
  [
    /, known and not offered$|^TRACE, which/,
    '405 with Allow, a MUST (RFC 9110 §15.5.6); nginx tells no Allow, Caddy sends the file to any method',
  ],
  [
    /^CONNECT/,
    'A server that is no proxy knows CONNECT and does not take it (RFC 9110 §9.3.6), and nothing behind it is read as a request',
  ],
  [
    /^(?:a method|a line of mail|an answer for a request)/,
    '501 for methods that are not known (RFC 9110 §15.6.2), names compared as they are (§9.1); behind a request of which so little is sure nothing is read',
  ],
  [/^HTTP\/2 with prior knowledge/, '505 tells such a client what is wrong (RFC 9110 §15.6.6)'],
  [
    /^(?:HTTP\/0\.9 with a version|a simple request|no version, which)/,
    'HTTP/0.9 is not spoken any more: 505, or 400 where the head is not whole; nginx answers it',
  ],
  [/^a version of three digits|^a blank after the version/, 'No request line (RFC 9112 §3): 400; nginx takes it'],
  [
    /^(?:empty lines|a hundred empty lines|an empty line between)/,
    'Empty lines before a request line are read over (RFC 9112 §2.2)',
  ],
  [
    /^(?:a request line that ends in LF|a field that ends in LF|a head that|CR CR LF behind a field)/,
    'CRLF alone ends a line; that LF may be taken (RFC 9112 §2.2) is where servers disagree about the end of a head',
  ],
  [/^a request that is not whole/, 'It is told what was wrong, the others close without a word'],
  [/^HTTP\/1\.0 without Host/, 'Caddy closes too, and does not say so'],
  [
    /^HTTP\/1\.0 with (?:Keep-Alive alone|close and keep-alive|keep-alive and close)/,
    'close comes first (RFC 9112 §9.3), in whichever order; Caddy closes at times without saying so',
  ],
  [
    /^Upgrade beside content/,
    'The engine loses what was pipelined behind it, so the connection ends; a client waits for the answer before it goes on (RFC 9110 §7.8)',
  ],
  [/^two blanks/, 'May be read so (RFC 9112 §3); no request hides in it'],
  [
    /^another protocol of the same version/,
    'The engine does not tell; 400 were better (RFC 9112 §3). Nothing of it moves the end of a request',
  ],
  [
    /^a later version of ours/,
    'A minor version that does not exist; the engine refuses it, though it might be read as HTTP/1.1 (RFC 9110 §2.5)',
  ],
  [/^Host: \[v/i, 'A kind of address that nobody knows yet: an error is to tell so (RFC 3986 §3.2.2)'],
  [/^(?:Host: |an empty Host)/, '400 is a MUST where the value of Host is none (RFC 9112 §3.2)'],
  [/^Host with blanks around it/, 'Blanks and tabs around a value are no part of it (RFC 9110 §5.5); nginx knows no tabs there'],
  [
    /^(?:a folded field|a field that begins with a fold|a fold of)/,
    'A fold is refused with 400 (RFC 9112 §5.2 leaves this or blanks)',
  ],
  [/^a control character in a field|^the octet /, 'Control characters are in no value (RFC 9110 §5.5); nginx hands them on'],
  [
    /^(?:a field without|a name that is no token|the name )/,
    'No field line (RFC 9112 §5): 400; nginx ignores it with the name as it is, and another server could read another field',
  ],
  [
    /^(?:201 fields|2,100 fields|a head of more than)/,
    '431 at a limit that is told (RFC 6585 §5): 200 fields, 32 KiB; nginx says 400, Caddy takes 1 MiB',
  ],
  [
    /^an expectation/,
    '417 for what is not known, which may be told or ignored (RFC 9110 §10.1.1); 100-continue in a list or twice is still known',
  ],
  [/^100-continue before content/, 'The method decides before the size: 405'],
  [/^two credentials/, 'Which of two counts is nobody’s guess: 400, as with nginx'],
  [/^GET with chunks/, 'Nobody knows how many follow, so the connection ends with the answer'],
  [/^a transfer coding in other letters/, 'Caddy sends the file to any method'],
  [/^two equal lengths/, 'Two fields are refused, equal or not (RFC 9112 §6.3 leaves it)'],
  [/^Content-Length: $/, 'An empty length is none: 400 (RFC 9110 §8.6); Caddy reads it as 0'],
  [
    /^(?:both lengths|a GET with both|HTTP\/1\.0 with both|a length beside: (?:transfer-encoding: CHUNKED|Transfer-Encoding:\\tchunked))/,
    'Both at once is refused and the connection closed (RFC 9112 §6.1 allows it; it “ought to be handled as an error”)',
  ],
  [/^a length beside: Transfer-Encoding;chunked/, 'No field line: 400; nginx ignores it'],
  [
    /^a length beside: (?:Transfer-Encoding:\\r\\n|X: y\\n)/,
    'Folds and bare LF are refused (RFC 9112 §2.2, §5.2); Caddy reads them, and takes the coding',
  ],
  [
    /^(?:a length beside|Transfer-Encoding: )/,
    'Refused and closed by all; 400, since without a final “chunked” the end of the request cannot be told (RFC 9112 §6.3), the others say 501',
  ],
  [/^two transfer codings in two fields/, 'chunked twice is no coding (RFC 9112 §7.1): 400; Caddy says 501'],
  [/^a transfer coding in HTTP\/1\.0/, 'Faulty framing (RFC 9112 §6.1): 400; Caddy ignores it'],
  [
    /^broken chunks/,
    'The method is refused at once, and nothing behind chunks of such a request is read; nginx reads over what is nearly right',
  ],
  [/^content too large to read past/, 'More than 64 KiB nobody reads: the connection ends; nginx reads on'],
  [/^no framing beside a length/, 'Caddy sends the file to any method'],
  [/^a length that is folded/, 'A fold is refused (RFC 9112 §5.2); Caddy takes it'],
  [/^(?:a length with zeros|a length of nothing|HTTP\/1\.0 with a length)/, 'Caddy sends the file to any method'],
  [/^a length with blanks/, 'Blanks and tabs around a value are no part of it (RFC 9110 §5.5)'],
  [/^OPTIONS with a length/, 'OPTIONS * is taken (RFC 9110 §9.3.7); its content is read past'],
  [/^an option that only/, 'Options of Connection are compared whole (RFC 9110 §7.6.1); nginx looks for “close” anywhere in it'],
  [/^Proxy-Connection/, 'The engine takes it for Connection; a connection may be closed at any time (RFC 9112 §9.6)'],
  [/^a 400 for the target/, 'The end of the request is sure, so the connection goes on'],
  [/^an absolute target without a path/, 'The path is then / (RFC 9110 §4.2.3); Caddy redirects there'],
  [/^an absolute target (?:without a host|with a user)/, '400 (RFC 9110 §4.2.1, §4.2.4); Caddy takes it'],
  [/^an absolute target of https/, 'A MUST: refused where the connection is not secured (RFC 9110 §7.4), with 421 (§15.5.20)'],
  [/^an absolute target of another scheme/, 'What it means is not served here: 400 (RFC 9110 §7.4)'],
  [
    /^(?:an authority as target|a scheme|a target of the scheme)/,
    'No form of a target that GET has (RFC 9112 §3.2): 400; Caddy redirects',
  ],
  [/^a fragment/, 'A target has no fragment (RFC 9112 §3.2): 400'],
  [/^(?:octets beyond ASCII in the target|a backslash)/, 'Such characters are in no URI (RFC 3986 §2): 400'],
  [/^(?:an overlong|a lone surrogate|a NUL|a line break)/, 'Octets that spell no text, and control characters, name no file: 400'],
  [/^dots that lead out/, 'A path above the root is refused, not shortened (RFC 3986 §5.2.4 does that for references): 400'],
  [
    /^escapes that lead nowhere/,
    'An encoded slash is a character of a name (RFC 3986 §2.2), and no file has one: 404; the others decode it to a slash',
  ],
  [
    /^(?:a target of 8,|a target longer|a name longer)/,
    '414 from 8,000 octets on (RFC 9110 §15.5.15), 404 below; nginx takes more, Caddy fails with 500',
  ],
  [/^an end beyond the end/, 'An end beyond the end means the end (RFC 9110 §14.1.2), however many digits it has'],
  [/^no last octets/, '-0 is no part that could be sent: 416 (RFC 9110 §14.1.2); Caddy sends an empty 206'],
  [/^an octet of an empty file/, 'No octet of it can be sent: 416 (RFC 9110 §14.1.2)'],
  [
    /^(?:an end before|another unit|a range|two ranges)(?! of HEAD)/,
    'What is no valid range, or of another unit, is ignored (RFC 9110 §14.2)',
  ],
  [/^several ranges that are one/, 'Parts that touch are one part (RFC 9110 §15.3.7.2)'],
  [/^a flood of ranges/, 'Answered with the whole (RFC 9110 §14.2); nginx says 416'],
  [/^(?:a range of HEAD|HEAD with a range)/, 'Range is defined for GET alone (RFC 9110 §14.2)'],
  [/^If-Modified-Since with another zone/, 'Not one of the three forms: ignored (RFC 9110 §13.1.3)'],
  [/^If-Unmodified-Since that is no date/, 'Ignored (RFC 9110 §13.1.4); nginx says 412'],
  [/^If-Match before/, 'Where If-Match is there, If-Unmodified-Since is not looked at (RFC 9110 §13.2.2)'],
]

/** The reason for a row, or an empty text where there is none. */
export const whyOf = (name: string): string => reasons.find(([names]) => names.test(name))?.[1] ?? ''

/** Reasons that are no row's. */
export const idleReasons = (names: readonly string[]): readonly string[] =>
  reasons.filter(([pattern, why]) => !names.some((name) => pattern.test(name) && whyOf(name) === why)).map(([, why]) => why)
