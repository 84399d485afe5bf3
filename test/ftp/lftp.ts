import { type ProgramLab, password } from './program-lab.ts'

/** Runs a script of lftp's. @param settings `set …` */
export const lftp = (lab: ProgramLab, scheme: 'ftp' | 'ftps', settings: readonly string[], ...commands: readonly string[]) => {
  const common = [
    'cmd:fail-exit true',
    'net:max-retries 2',
    'net:timeout 20',
    'net:reconnect-interval-base 1',
    `ssl:ca-file ${lab.authority}`,
  ]
  const open = `open -u alice,${password} ${scheme}://localhost:${lab.port}`
  const script = [...[...common, ...settings].map((setting) => `set ${setting}`), open, ...commands].join('; ')
  return lab.succeeds('lftp', ['--norc', '-c', script])
}
