/** Heads that make naive readers slow: what tests of them have in common. */

/** Just below what a head may have. */
const headOctets = 31_000

/** A piece, as often as it fits. */
export const filled = (piece: string, octets = headOctets): string => piece.repeat(Math.floor(octets / piece.length))

/** Values that make naive readers go back and forth: repetitions that nearly match, lists of nothing, brackets that never close. */
export const pieces = [
  ...['a', ' ', '\t', ',', ';', '=', '"', '\\"', '(', '/', '*', '-', '0', '%', '%2', ':', '[', '::', '@', 'a:b@', '\xe4'],
  ...[', ', ' ,', ',,;', 'a,', 'a, ', 'a;', 'a=b;', '"a",', 'W/"a",', 'W/', '*/*,', 'text/html;q=0.5,', 'a/b;q=1;', 'gzip;q=0,'],
  ...[
    '0-0,',
    '-1,',
    '0-,',
    '1-2 ,',
    'bytes=',
    'chunked,',
    'a.',
    '1.',
    '.',
    '..',
    '../',
    '%2e%2e/',
    'for=1;by="',
    'Basic ',
    'a\t \t',
  ],
]

/** Milliseconds of computing that this process, server and clients, took meanwhile: what else the machine does is not in it. */
export const computing = async (work: () => Promise<void>): Promise<number> => {
  const from = process.cpuUsage()
  await work()
  const { user, system } = process.cpuUsage(from)
  return (user + system) / 1_000
}
