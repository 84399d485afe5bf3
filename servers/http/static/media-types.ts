/** Media types by the names of files. */
import { mimes } from 'mrmime'

/** Where the table of mrmime lacks an extension, or has something that browsers and people do not expect: extensions by their type. */
const ownByType: Readonly<Record<string, string>> = {
  // Programs and their kin are read, not run, when they are fetched.
  'text/plain':
    'adoc asm asc awk bash bat c cc cfg clj cmd conf cpp cs cxx d dart diff env erl ex exs fish fs go gradle groovy h hpp hs hxx inc ini' +
    ' java jl kt lock log lua m mk ml mm nfo nim pas patch php pl pm properties ps1 py r rb rs rst s scala scss sed sh sql srt swift tcl' +
    ' tex toml tsx v vb vbs vue wat zig zsh',
  // Scripts of pages have one type (RFC 9239 §6).
  'text/javascript': 'cjs',
  'text/vcard': 'vcf',
  'application/gzip': 'gz tgz',
  'application/json': 'har ipynb topojson',
  'application/jsonl': 'jsonl ndjson',
  'application/msword': 'doc',
  'application/vnd.android.package-archive': 'apk',
  'application/vnd.apple.mpegurl': 'm3u8',
  'application/vnd.google-earth.kml+xml': 'kml',
  'application/vnd.google-earth.kmz': 'kmz',
  'application/vnd.ms-excel': 'xls',
  'application/vnd.ms-fontobject': 'eot',
  'application/vnd.ms-outlook': 'msg',
  'application/vnd.ms-powerpoint': 'ppt',
  'application/vnd.oasis.opendocument.graphics': 'odg',
  'application/vnd.oasis.opendocument.presentation': 'odp',
  'application/vnd.oasis.opendocument.spreadsheet': 'ods',
  'application/vnd.oasis.opendocument.text': 'odt',
  'application/vnd.openxmlformats-officedocument.presentationml.presentation': 'pptx',
  'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet': 'xlsx',
  'application/vnd.openxmlformats-officedocument.wordprocessingml.document': 'docx',
  'application/vnd.rar': 'rar',
  'application/vnd.sqlite3': 'db sqlite sqlite3',
  'application/x-7z-compressed': '7z',
  'application/x-bittorrent': 'torrent',
  'application/x-bzip2': 'bz2',
  'application/x-fictionbook+xml': 'fb2',
  'application/x-mobipocket-ebook': 'mobi',
  'application/x-pem-file': 'csr key pem',
  'application/x-rpm': 'rpm',
  'application/x-tar': 'tar',
  'application/x-x509-ca-cert': 'cer crt der',
  'application/x-xpinstall': 'xpi',
  'application/x-xz': 'xz',
  'application/yaml': 'yaml yml',
  'application/zstd': 'zst',
  'audio/aiff': 'aif aiff',
  'audio/flac': 'flac',
  'audio/mp4': 'm4b m4r',
  'audio/x-caf': 'caf',
  'audio/x-ms-wma': 'wma',
  'image/vnd.adobe.photoshop': 'psd',
  'image/vnd.djvu': 'djvu',
  'image/x-icon': 'cur ico',
  'image/x-tga': 'tga',
  'model/vnd.collada+xml': 'dae',
  'model/vnd.usdz+zip': 'usdz',
  'multipart/related': 'mht mhtml',
  'video/matroska': 'mkv',
  'video/mp4': 'm4v',
  'video/x-ms-wmv': 'wmv',
  'video/x-msvideo': 'avi',
}

/** Types by their extensions. A map: a file named `x.constructor` must not reach into an object. */
const own: ReadonlyMap<string, string> = new Map(
  Object.entries(ownByType).flatMap(([type, extensions]) => extensions.split(' ').map((extension) => [extension, type] as const)),
)

/** Files that everybody knows by their whole name, in lower case. */
const byName: ReadonlyMap<string, string> = new Map([
  ...['authors', 'changelog', 'changes', 'copying', 'dockerfile', 'license', 'makefile', 'notice', 'readme', 'todo'].map(
    (name) => [name, 'text/plain'] as const,
  ),
  // Programs of telephones ask for it below /.well-known/, and take no other type.
  ['apple-app-site-association', 'application/json'],
])

const unknown = 'application/octet-stream'

/** Text is UTF-8, but XML says itself what it is, and would not be believed (RFC 7303 §3.2). */
const withCharset = (type: string): string => (type.startsWith('text/') && type !== 'text/xml' ? `${type}; charset=utf-8` : type)

/** Types that are text under another name, or as good as text to a compressor. */
const textLike = new Set([
  'application/javascript',
  'application/json',
  'application/jsonl',
  'application/manifest+json',
  'application/postscript',
  'application/rtf',
  'application/sql',
  'application/toml',
  'application/vnd.apple.mpegurl',
  'application/vnd.ms-fontobject',
  'application/wasm',
  'application/x-sh',
  'application/xml',
  'application/xml-dtd',
  'application/yaml',
  'font/otf',
  'font/ttf',
  'image/bmp',
  'image/x-icon',
  'model/gltf-binary',
  'model/stl',
])

/** Whether content of a type becomes much smaller when it is compressed. @param type with or without parameters */
export const isCompressible = (type: string): boolean => {
  const [essence = ''] = type.split(';', 1)
  return essence.startsWith('text/') || essence.endsWith('+json') || essence.endsWith('+xml') || textLike.has(essence)
}

/** The value of `Content-Type` for a file of this name or path; text is UTF-8. */
export const mediaTypeOf = (path: string): string => {
  const lower = path.slice(path.lastIndexOf('/') + 1).toLowerCase()
  const dot = lower.lastIndexOf('.')
  if (dot === -1) return withCharset(byName.get(lower) ?? unknown)
  const extension = lower.slice(dot + 1)
  const found = own.get(extension) ?? (Object.hasOwn(mimes, extension) ? mimes[extension] : undefined)
  return withCharset(found ?? unknown)
}
