/** Media types by the names of files. */
import { lookup } from 'mrmime'

/** Where the table of mrmime lacks an extension, or has something that browsers and people do not expect. */
const own: Readonly<Record<string, string>> = {
  // Programs and their kin are read, not run, when they are fetched.
  bash: 'text/plain',
  c: 'text/plain',
  cc: 'text/plain',
  cfg: 'text/plain',
  conf: 'text/plain',
  cpp: 'text/plain',
  diff: 'text/plain',
  go: 'text/plain',
  h: 'text/plain',
  ini: 'text/plain',
  java: 'text/plain',
  log: 'text/plain',
  patch: 'text/plain',
  php: 'text/plain',
  py: 'text/plain',
  rb: 'text/plain',
  rs: 'text/plain',
  sh: 'text/plain',
  sql: 'text/plain',
  toml: 'text/plain',
  tsx: 'text/plain',
  // Scripts of pages have one type (RFC 9239 §6).
  cjs: 'text/javascript',
  ico: 'image/x-icon',
  '7z': 'application/x-7z-compressed',
  apk: 'application/vnd.android.package-archive',
  bz2: 'application/x-bzip2',
  crt: 'application/x-x509-ca-cert',
  doc: 'application/msword',
  docx: 'application/vnd.openxmlformats-officedocument.wordprocessingml.document',
  flac: 'audio/flac',
  gz: 'application/gzip',
  jsonl: 'application/jsonl',
  m3u8: 'application/vnd.apple.mpegurl',
  mkv: 'video/matroska',
  ods: 'application/vnd.oasis.opendocument.spreadsheet',
  odt: 'application/vnd.oasis.opendocument.text',
  ppt: 'application/vnd.ms-powerpoint',
  pptx: 'application/vnd.openxmlformats-officedocument.presentationml.presentation',
  rar: 'application/vnd.rar',
  tar: 'application/x-tar',
  tgz: 'application/gzip',
  vcf: 'text/vcard',
  xls: 'application/vnd.ms-excel',
  xlsx: 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
  xz: 'application/x-xz',
  zst: 'application/zstd',
}

/** Files that everybody knows by their whole name. */
const plainNames = new Set([
  'authors',
  'changelog',
  'changes',
  'copying',
  'dockerfile',
  'license',
  'makefile',
  'notice',
  'readme',
  'todo',
])

const unknown = 'application/octet-stream'

const withCharset = (type: string): string => (type.startsWith('text/') ? `${type}; charset=utf-8` : type)

/** The value of `Content-Type` for a file of this name; text is UTF-8. */
export const mediaTypeOf = (name: string): string => {
  const lower = name.toLowerCase()
  const dot = lower.lastIndexOf('.')
  if (dot === -1) return plainNames.has(lower) ? withCharset('text/plain') : unknown
  const extension = lower.slice(dot + 1)
  // The table of mrmime is a plain object: a file named `x.constructor` must not reach into it.
  const found = Object.hasOwn(own, extension) ? own[extension] : lookup(extension)
  return typeof found === 'string' ? withCharset(found) : unknown
}
