import { readFile } from 'node:fs/promises'
import { localCertificate, localFiles } from '../../shared/tls/local-certificate.ts'
import type { TlsMaterial } from '../../shared/tls/material.ts'
import { temporaryFolder } from './folder.ts'

/** Keys that tests serve with. */
export interface TestKeys {
  readonly material: TlsMaterial
  /** The certificate of the authority, PEM. */
  readonly authority: string
}

const make = async (): Promise<TestKeys> => {
  await using folder = await temporaryFolder()
  const names = { hostname: 'localhost', hosts: ['127.0.0.1'], domains: ['havre.test'], revocationUrl: null }
  const { pair } = await localCertificate(folder.path, names, Date.now())
  const authority = await readFile(localFiles(folder.path).authority.certificate, 'utf8')
  return { material: { certificates: [pair], ticketKeys: Buffer.alloc(48, 7).toString('base64') }, authority }
}

let made: Promise<TestKeys> | null = null

/** The same for all tests of a process: a certificate for localhost, 127.0.0.1 and ::1. */
export const testKeys = (): Promise<TestKeys> => {
  made ??= make()
  return made
}
