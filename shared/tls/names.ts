import type { X509Certificate } from 'node:crypto'

/** The names and addresses that a certificate is for, lower case; the common name where there are no alternative ones. */
export const namesOf = ({ subjectAltName, subject }: X509Certificate): readonly string[] => {
  // As Node tells them: `DNS:localhost, IP Address:127.0.0.1`.
  const alternative = subjectAltName?.split(', ').flatMap((entry) => /^(?:DNS|IP Address):(.+)$/.exec(entry)?.[1] ?? [])
  const names = alternative ?? [/^CN=(.+)$/m.exec(subject)?.[1] ?? '']
  return names.map((name) => name.toLowerCase())
}
