/** `Content-Disposition` of a download (RFC 6266), with names in all scripts (RFC 8187). */

/** attr-char (RFC 8187 §3.2.1) beside the letters and digits that are never escaped. */
const kept = /%(?:21|23|24|26|2B|5E|60|7C)/g

const extended = (name: string): string =>
  encodeURIComponent(name)
    .replace(/['()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`)
    .replace(kept, (escaped) => decodeURIComponent(escaped))

/** What stands in a quoted text for what old programs misread: quotes, backslashes, percent signs (RFC 6266 Appendix D), other scripts. */
const plain = (name: string): string => name.replace(/[^\x20-\x7e]|["\\%]/gu, '_')

/** The value that makes a browser store the answer under this name. */
export const attachment = (name: string): string => {
  const simple = plain(name)
  return simple === name ? `attachment; filename="${name}"` : `attachment; filename="${simple}"; filename*=UTF-8''${extended(name)}`
}
