import { mkdir, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { Client as BasicFtp } from 'basic-ftp'
import { expect } from 'chai'
import { testKeys } from '../kit/keys.ts'
import { describeWith } from '../kit/programs.ts'
import { seeded } from '../kit/seeded.ts'
import type { Setup } from '../kit/serving.ts'
import { holds, makeTree, oddNames, password, treeOf, useProgramLab } from './program-lab.ts'

const content = seeded().octets(300_001)

/** How each of them connects. */
const manners: Readonly<Record<'clear' | 'explicit' | 'implicit', Partial<Setup>>> = {
  clear: {},
  explicit: {},
  implicit: { tls: 'implicit' },
}

const ftplib = `
import ftplib, io, ssl, sys
manner, port, ca, password, version = sys.argv[1:]

class Reusing(ftplib.FTP_TLS):
    def ntransfercmd(self, cmd, rest=None):
        conn, size = ftplib.FTP.ntransfercmd(self, cmd, rest)
        if self._prot_p:
            conn = self.context.wrap_socket(conn, server_hostname=self.host, session=self.sock.session)
            assert conn.session_reused, cmd
        return conn, size

class Implicit(Reusing):
    _sock = None
    @property
    def sock(self):
        return self._sock
    @sock.setter
    def sock(self, value):
        if value is not None and not isinstance(value, ssl.SSLSocket):
            value = self.context.wrap_socket(value, server_hostname=self.host)
        self._sock = value

if manner == 'clear':
    ftp = ftplib.FTP(encoding='utf-8')
else:
    context = ssl.create_default_context(cafile=ca)
    if version != '': context.maximum_version = ssl.TLSVersion[version]
    ftp = (Implicit if manner == 'implicit' else Reusing)(context=context, encoding='utf-8')
ftp.connect('localhost', int(port), timeout=20)
ftp.login('alice', password)
if manner != 'clear': ftp.prot_p()
data = open('up.bin', 'rb').read()

for passive in (True, False):
    ftp.set_pasv(passive)
    ftp.storbinary('STOR new ü.bin', io.BytesIO(data))
    ftp.storbinary('APPE new ü.bin', io.BytesIO(b'end'))
    back = io.BytesIO()
    ftp.retrbinary('RETR new ü.bin', back.write, rest=1000)
    assert back.getvalue() == data[1000:] + b'end'
    ftp.storbinary('STOR new ü.bin', io.BytesIO(b'tail'), rest=10)
    assert ftp.size('new ü.bin') == 14
    facts = dict(ftp.mlsd(facts=['type', 'size', 'modify']))
    assert facts['new ü.bin']['type'] == 'file' and facts['new ü.bin']['size'] == '14', facts
    assert ftp.nlst() == [name for name in sorted(facts) if facts[name]['type'] in ('file', 'dir')], (ftp.nlst(), facts)
    lines = []
    ftp.dir(lines.append)
    assert any(line.endswith(' new ü.bin') and ' 14 ' in line for line in lines), lines
    ftp.storlines('STOR text.txt', io.BytesIO(b'one\\ntwo\\n'))
    lines = []
    ftp.retrlines('RETR text.txt', lines.append)
    assert lines == ['one', 'two'], lines
    # Told in the middle: it ends at once, and the session goes on.
    ftp.voidcmd('TYPE I')
    conn = ftp.transfercmd('RETR large.bin')
    conn.recv(1000)
    said = ftp.abort()
    assert said[:3] in ('426', '225', '226'), said
    conn.close()
    if said[:3] == '426': assert ftp.getmultiline()[:3] == '226'
    conn = ftp.transfercmd('STOR broken.bin')
    conn.sendall(b'x' * 1000)
    assert ftp.abort()[:3] == '426'
    assert ftp.getmultiline()[:3] == '226'
    conn.close()
    assert 'broken.bin' not in ftp.nlst(), ftp.nlst()
    ftp.mkd('a "quoted" folder')
    ftp.cwd('a "quoted" folder')
    assert ftp.pwd() == '/a "quoted" folder', ftp.pwd()
    ftp.cwd('..')
    ftp.rmd('a "quoted" folder')
    ftp.rename('new ü.bin', 'x')
    ftp.delete('x')
    ftp.delete('text.txt')

if manner != 'clear':
    ftp.prot_c()
    assert ftp.nlst() == ['large.bin'], ftp.nlst()
    try:
        ftp.ccc()
        raise Exception('CCC was taken')
    except ftplib.error_perm as error:
        print(error)
print(ftp.quit())
`

const php = `<?php
[, $ssl, $port, $password] = $argv;
$ftp = $ssl === 'explicit' ? ftp_ssl_connect('127.0.0.1', (int) $port, 20) : ftp_connect('127.0.0.1', (int) $port, 20);
function check($what, $holds) { if (!$holds) { fwrite(STDERR, "$what\\n"); exit(1); } }
check('login', ftp_login($ftp, 'alice', $password));
foreach ([true, false] as $passive) {
  check('pasv', ftp_pasv($ftp, $passive));
  check('put', ftp_put($ftp, 'php.bin', 'up.bin', FTP_BINARY));
  check('append', ftp_append($ftp, 'php.bin', 'up.bin', FTP_BINARY));
  check('size', ftp_size($ftp, 'php.bin') === 2 * filesize('up.bin'));
  check('get', ftp_get($ftp, 'back.bin', 'php.bin', FTP_BINARY));
  check('same', file_get_contents('back.bin') === str_repeat(file_get_contents('up.bin'), 2));
  check('resume', ftp_get($ftp, 'tail.bin', 'php.bin', FTP_BINARY, 1000) && filesize('tail.bin') > 0);
  check('mdtm', abs(ftp_mdtm($ftp, 'php.bin') - time()) < 100);
  check('nlist', ftp_nlist($ftp, '.') == ['large.bin', 'php.bin']);
  check('rawlist', count(ftp_rawlist($ftp, '/')) === 2);
  check('mlsd', in_array('php.bin', array_column(ftp_mlsd($ftp, '.'), 'name')));
  check('mkdir', ftp_mkdir($ftp, 'a b') === '/a b' && ftp_chdir($ftp, 'a b') && ftp_pwd($ftp) === '/a b' && ftp_cdup($ftp) && ftp_rmdir($ftp, 'a b'));
  check('chmod', ftp_chmod($ftp, 0600, 'php.bin') === 0600);
  check('rename', ftp_rename($ftp, 'php.bin', 'x') && ftp_delete($ftp, 'x'));
}
check('close', ftp_close($ftp));
`

const perl = `
use Net::FTP;
my ($manner, $port, $ca, $password) = @ARGV;
my $ftp = Net::FTP->new('localhost', Port => $port, Timeout => 20, SSL_ca_file => $ca, ($manner eq 'implicit' ? (SSL => 1) : ())) or die "connect: $@";
if ($manner eq 'explicit') { $ftp->starttls or die $ftp->message }
$ftp->login('alice', $password) or die $ftp->message;
if ($manner ne 'clear') { $ftp->prot('P') or die $ftp->message }
$ftp->binary;
for my $passive (1, 0) {
  $ftp->passive($passive);
  $ftp->put('up.bin', 'perl.bin') or die 'put ' . $ftp->message;
  $ftp->append('up.bin', 'perl.bin') or die 'append ' . $ftp->message;
  unlink 'back.bin';
  $ftp->get('perl.bin', 'back.bin', 1000) or die 'get ' . $ftp->message;
  $ftp->size('perl.bin') == 2 * -s 'up.bin' or die 'size';
  $ftp->mdtm('perl.bin') > 0 or die 'mdtm';
  my $unique = $ftp->put_unique('up.bin', 'perl.bin') or die 'unique ' . $ftp->message;
  $unique ne 'perl.bin' or die "not unique: $unique";
  join(' ', sort $ftp->ls) eq join(' ', sort('large.bin', 'perl.bin', $unique)) or die join(' ', $ftp->ls);
  $ftp->delete($unique) or die 'delete ' . $ftp->message;
  $ftp->mkdir('a/b c/d', 1) or die 'mkdir ' . $ftp->message;
  $ftp->rmdir('a', 1) or die 'rmdir ' . $ftp->message;
  $ftp->rename('perl.bin', 'x') && $ftp->delete('x') or die 'rename ' . $ftp->message;
}
$ftp->supported('MLST') or die 'supported';
$ftp->quit;
print "done\\n";
`

for (const [manner, setup] of Object.entries(manners)) {
  describe(`FTP: libraries, ${manner}`, function () {
    this.timeout(120_000)
    const lab = useProgramLab(setup)
    beforeEach(async () => {
      await writeFile(lab().local('up.bin'), content)
      await writeFile(lab().home('large.bin'), '')
      await truncate(lab().home('large.bin'), 50_000_000)
    })
    const args = () => [manner, String(lab().port), lab().authority, password]

    describeWith(['python3'], "Python's ftplib", () => {
      for (const version of manner === 'clear' ? [''] : ['TLSv1_2', 'TLSv1_3']) {
        it(`has all its commands, passive and active, and aborts in the middle ${version}`.trim(), async () => {
          expect(await lab().succeeds('python3', ['-c', ftplib, ...args(), version])).to.match(/221 /)
        })
      }
    })

    if (manner !== 'implicit') {
      describeWith(['php'], 'PHP', () => {
        it('has all its commands, passive and active', async () => {
          await writeFile(lab().local('ftp.php'), php)
          await lab().succeeds('php', ['ftp.php', manner, String(lab().port), password])
        })
      })
    }

    describe('basic-ftp', () => {
      const withClient = async (use: (client: BasicFtp) => Promise<void>, maxVersion: 'TLSv1.2' | 'TLSv1.3' = 'TLSv1.3') => {
        const client = new BasicFtp(20_000)
        try {
          const secure = manner === 'implicit' ? 'implicit' : manner === 'explicit'
          const secureOptions = { ca: (await testKeys()).authority, maxVersion }
          await client.access({ host: 'localhost', port: lab().port, user: 'alice', password, secure, secureOptions })
          await use(client)
        } finally {
          client.close()
        }
      }

      for (const version of manner === 'clear' ? (['TLSv1.3'] as const) : (['TLSv1.2', 'TLSv1.3'] as const)) {
        it(`moves trees both ways and tells progress (${version})`, () =>
          withClient(async (client) => {
            const told: number[] = []
            client.trackProgress(({ bytes }) => told.push(bytes))
            await makeTree(lab().local('tree'), 12)
            await client.uploadFromDir(lab().local('tree'), 'tree')
            await client.downloadToDir(lab().local('back'), 'tree')
            expect(told.some((octets) => octets > 0)).to.equal(true)
            client.trackProgress()
            const tree = await treeOf(lab().local('tree'))
            expect(await treeOf(lab().home('tree'))).to.deep.equal(tree)
            expect(await treeOf(lab().local('back'))).to.deep.equal(tree)
            await client.removeDir('tree')
            expect((await client.list()).map(({ name }) => name)).to.deep.equal(['large.bin'])
          }, version))
      }

      it('appends, resumes, renames, tells size, time and features, and has names of all kinds', () =>
        withClient(async (client) => {
          await client.uploadFrom(lab().local('up.bin'), 'a.bin')
          await client.appendFrom(lab().local('up.bin'), 'a.bin')
          await holds(lab().home('a.bin'), Buffer.concat([content, content]))
          expect(await client.size('a.bin')).to.equal(2 * content.length)
          expect((await client.lastMod('a.bin')).getTime()).to.be.closeTo((await stat(lab().home('a.bin'))).mtimeMs, 1_000)
          await writeFile(lab().local('part'), content.subarray(0, 1_000))
          await client.downloadTo(lab().local('part'), 'a.bin', 1_000)
          await holds(lab().local('part'), Buffer.concat([content, content]))
          await client.ensureDir('x/y z/🐦')
          expect(await client.pwd()).to.equal('/x/y z/🐦')
          for (const name of oddNames) {
            await client.uploadFrom(lab().local('up.bin'), name)
            await client.rename(name, `${name}2`)
          }
          const listed = await client.list()
          expect(listed.map(({ name }) => name)).to.have.members(oddNames.map((name) => `${name}2`))
          expect(listed.every(({ isFile, size }) => isFile && size === content.length)).to.equal(true)
          expect([...(await client.features()).keys()]).to.include.members(['MLST', 'SIZE', 'MDTM', 'REST'])
          await client.clearWorkingDir()
          expect(await client.list()).to.deep.equal([])
        }))
    })
  })
}

for (const manner of ['clear', 'explicit', 'implicit'] as const) {
  describeWith(['perl'], `FTP: Perl's Net::FTP, ${manner}, which does not resume sessions`, function () {
    this.timeout(120_000)
    const lab = useProgramLab({ ...manners[manner], options: { dataTls: 'any' } })
    it('has all its commands, passive and active', async () => {
      await mkdir(lab().home(), { recursive: true })
      await rm(lab().local('back.bin'), { force: true })
      await writeFile(lab().local('up.bin'), content)
      await writeFile(lab().home('large.bin'), 'large')
      expect(await lab().succeeds('perl', ['-e', perl, manner, String(lab().port), lab().authority, password])).to.equal('done\n')
      await holds(lab().local('back.bin'), Buffer.concat([content, content]).subarray(1_000))
    })
  })
}
