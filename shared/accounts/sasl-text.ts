/** RFC 4648 §4, nothing around it and nothing left out. */
const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/

/**
 * The text that stands in a SASL message, as POP3 and SMTP carry it: base64, in UTF-8.
 * @returns null where it is not base64; octets that are no UTF-8 come as U+FFFD
 */
export const saslText = (written: string): string | null =>
  base64.test(written) ? Buffer.from(written, 'base64').toString() : null

/** The same the other way round. */
export const saslWritten = (text: string): string => Buffer.from(text).toString('base64')
