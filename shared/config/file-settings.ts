/** The settings of the homes: from the file's names to those of the code, and what is wrong with them. */
import { type Checking, reportName } from './checking.ts'
import { dotted } from './plain.ts'
import type { RawSettings } from './schema.ts'
import type { FileSettings } from './settings.ts'

type RawFiles = RawSettings['files']

const ownOf = (own: RawFiles['accounts'][string], all: RawFiles): Partial<FileSettings> => ({
  ...(own.quota?.bytes === undefined ? {} : { quota: { octets: own.quota.bytes } }),
  ...(own.access === undefined ? {} : { access: own.access }),
  ...(own.bandwidth === undefined
    ? {}
    : {
        bandwidth: {
          uploadOctets: own.bandwidth.upload === undefined ? all.bandwidth.upload : own.bandwidth.upload,
          downloadOctets: own.bandwidth.download === undefined ? all.bandwidth.download : own.bandwidth.download,
        },
      }),
  ...(own.transfers === undefined ? {} : { transfers: own.transfers }),
})

/** The settings as the code has them: names of accounts in lower case. */
export const fileSettings = (files: RawFiles): FileSettings => ({
  sync: files.sync,
  keepPartialsMs: files.keepPartials,
  quota: { octets: files.quota.bytes },
  access: files.access,
  bandwidth: { uploadOctets: files.bandwidth.upload, downloadOctets: files.bandwidth.download },
  transfers: files.transfers,
  accounts: Object.fromEntries(Object.entries(files.accounts).map(([name, own]) => [name.toLowerCase(), ownOf(own, files)])),
})

/** Tells of an account that is there twice, in different letters. */
export const checkFileAccounts = ({ files }: RawSettings, checking: Checking): void => {
  const path = ['files', 'accounts']
  const names = new Map<string, string>()
  for (const name of Object.keys(files.accounts)) {
    const first = names.get(name.toLowerCase())
    if (first === undefined) names.set(name.toLowerCase(), name)
    else reportName(checking, [...path, name], `is the same as ${dotted([...path, first])}`)
  }
}
