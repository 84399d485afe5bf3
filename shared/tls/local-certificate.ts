/**
 * The certificate that Havre makes for itself, in `data/tls`:
 *
 *     authority.pem    the local authority: what a client that is to trust this server gets
 *     authority.key    its key, made once
 *     certificate.pem  the server's certificate, certificate.key its key; made anew together, long before the end
 *     public/          what everybody may have: see `public-files.ts`
 *
 * Making them needs a library that takes memory: it is done in a process of its own, which runs only where something is to be made.
 */
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { access, chmod, mkdir, readFile, stat } from 'node:fs/promises'
import { isIP } from 'node:net'
import { join } from 'node:path'
import process from 'node:process'
import { workElsewhere, workHere } from '../own-process.ts'
import { type ReadKey, readCertifiedKey, TlsFileError } from './certified-key.ts'
import { certificateMode, keyFolderMode, keyMode, replaceFile } from './private-file.ts'
import { authorityName, publicFolder, revocationName } from './public-files.ts'

/** Where the files lie. */
export const localFiles = (data: string) => {
  const folder = join(data, 'tls')
  return {
    folder,
    authority: { certificate: join(folder, 'authority.pem'), key: join(folder, 'authority.key') },
    server: { certificate: join(folder, 'certificate.pem'), key: join(folder, 'certificate.key') },
    public: { authority: join(publicFolder(data), authorityName), revocation: join(publicFolder(data), revocationName) },
  } as const
}

const dayMs = 86_400_000

/** A certificate with less left than this is made anew: a third of its life. */
export const renewBeforeMs = 30 * dayMs

/** The same for the authority. */
const renewAuthorityBeforeMs = 365 * dayMs

/** What the certificate is to be for. */
export interface LocalNames {
  readonly hostname: string
  readonly hosts: readonly string[]
  readonly domains: readonly string[]
  /** Where programs find the authority's list of certificates taken back; null: nowhere. */
  readonly revocationUrl: string | null
}

/** Everything by which a client may call this server; addresses that mean "all" are no name of it. */
export const localNames = ({ hostname, hosts, domains }: Omit<LocalNames, 'revocationUrl'>): readonly string[] => {
  const addresses = hosts.filter((host) => host !== '0.0.0.0' && host !== '::')
  return [...new Set([hostname, 'localhost', '127.0.0.1', '::1', ...addresses, ...domains].map((name) => name.toLowerCase()))]
}

/** `::1` has many forms; certificates are read in one of them. */
const canonical = (name: string): string => (isIP(name) === 6 ? new URL(`http://[${name.replace(/%.*$/, '')}]/`).hostname : name)

const covers = (read: ReadKey, names: readonly string[]): boolean => {
  const has = new Set(read.names.map(canonical))
  return names.every((name) => has.has(canonical(name)))
}

/** A file that is there, or null. */
const readIfThere = async (file: string): Promise<string | null> => {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null
    throw error
  }
}

/** The pair, or null where it is missing, damaged or half replaced: then it is made anew. */
const readPair = async (files: { readonly certificate: string; readonly key: string }): Promise<ReadKey | null> => {
  try {
    return await readCertifiedKey(files)
  } catch (error) {
    if (error instanceof TlsFileError) return null
    throw error
  }
}

/** A certificate, or null where the text is none. */
const parsed = (pem: string | null): X509Certificate | null => {
  try {
    return pem === null ? null : new X509Certificate(pem)
  } catch {
    // Damaged: it is made anew.
    return null
  }
}

const isSignedBy = ({ certificate }: ReadKey, issuer: X509Certificate | null): boolean => {
  if (issuer === null) return false
  const leaf = new X509Certificate(certificate)
  return leaf.checkIssued(issuer) && leaf.verify(issuer.publicKey)
}

/** Whether a certificate names this URL for the authority's list, or none where there is none. */
const namesUrl = ({ certificate }: ReadKey, url: string | null): boolean => {
  // Node does not tell the extension; its URL stands in the certificate as it is.
  const { raw } = new X509Certificate(certificate)
  return raw.includes(`/${revocationName}`) === (url !== null) && (url === null || raw.includes(url))
}

const isThere = (file: string): Promise<boolean> =>
  access(file).then(
    () => true,
    () => false,
  )

/** Others than the owner have no business in a folder of keys, whoever made it. */
const closeFolder = async (folder: string): Promise<void> => {
  await mkdir(folder, { recursive: true, mode: keyFolderMode })
  // Windows has no such modes.
  if (process.platform === 'win32' || ((await stat(folder)).mode & 0o077) === 0) return
  try {
    await chmod(folder, keyFolderMode)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error)) throw error
    throw new TlsFileError('key', `${folder}: others may look into it, and that cannot be changed (${String(error.code)})`, {
      cause: error,
    })
  }
}

interface Input {
  readonly data: string
  readonly names: readonly string[]
  readonly revocationUrl: string | null
  readonly nowMs: number
}

/** What was done. */
export interface Made {
  readonly authority: boolean
}

/**
 * The certificate as it is in force now, made anew where it is missing, near its end, or not for all names.
 * @param nowMs the time
 * @returns the pair, and whether it (and its authority) was made just now
 */
export const localCertificate = async (
  data: string,
  wanted: LocalNames,
  nowMs: number,
): Promise<{ readonly pair: ReadKey; readonly made: Made | null }> => {
  const files = localFiles(data)
  const { revocationUrl } = wanted
  const names = localNames(wanted)
  await closeFolder(files.folder)
  const there = await readPair(files.server)
  const holds =
    there !== null &&
    there.validFromMs <= nowMs &&
    there.validToMs - nowMs >= renewBeforeMs &&
    covers(there, names) &&
    namesUrl(there, revocationUrl) &&
    (await isThere(files.public.revocation)) &&
    (await isThere(files.public.authority)) &&
    // Its key is not looked at: without it the authority is as good as ever for those who trust it, until it is to sign again.
    isSignedBy(there, parsed(await readIfThere(files.authority.certificate)))
  if (holds) return { pair: there, made: null }
  const made = await workElsewhere<Input, Made>(import.meta.filename, { data, names, revocationUrl, nowMs })
  return { pair: await readCertifiedKey(files.server), made }
}

/** The authority, made where it is missing. Its key is written first and kept: a start that was killed in between goes on with it. */
const authorityOf = async (
  files: { readonly certificate: string; readonly key: string },
  host: string,
  nowMs: number,
  { makeAuthority, newKey }: Pick<typeof import('./issuer.ts'), 'makeAuthority' | 'newKey'>,
): Promise<{ readonly pair: { readonly certificate: string; readonly key: string }; readonly made: boolean }> => {
  const there = await readPair(files)
  if (there !== null && there.validToMs - nowMs >= renewAuthorityBeforeMs) return { pair: there, made: false }
  let key = await readIfThere(files.key)
  if (key === null || !isKey(key)) {
    key = await newKey()
    await replaceFile(files.key, key, keyMode)
  }
  // The name stays: with another one the old certificate would not stand for the same authority.
  const subject = there === null ? null : /^CN=Havre local authority of (.+)$/m.exec(new X509Certificate(there.certificate).subject)
  const certificate = await makeAuthority(key, subject?.[1] ?? host, nowMs)
  await replaceFile(files.certificate, certificate, certificateMode)
  return { pair: { certificate, key }, made: true }
}

const isKey = (pem: string): boolean => {
  try {
    return createPrivateKey(pem).asymmetricKeyType === 'ec'
  } catch {
    // Damaged: whatever the parser says of it.
    return false
  }
}

await workHere(import.meta.filename, async ({ data, names, revocationUrl, nowMs }: Input): Promise<Made> => {
  // Imported here: who only asks for the work does not load what it takes.
  const { makeAuthority, makeCertificate, makeRevocationList, newKey } = await import('./issuer.ts')
  const files = localFiles(data)
  await mkdir(publicFolder(data), { recursive: true })
  const authority = await authorityOf(files.authority, names[0] ?? 'localhost', nowMs, { makeAuthority, newKey })
  const key = await newKey()
  const certificate = await makeCertificate(authority.pair, key, { names, revocationUrl }, nowMs)
  const revocation = await makeRevocationList(authority.pair, nowMs)
  // Last the certificate: as long as it is the old one, all of this is done again.
  await replaceFile(files.public.authority, authority.pair.certificate, certificateMode)
  await replaceFile(files.public.revocation, revocation, certificateMode)
  await replaceFile(files.server.key, key, keyMode)
  await replaceFile(files.server.certificate, certificate, certificateMode)
  return { authority: authority.made }
})
