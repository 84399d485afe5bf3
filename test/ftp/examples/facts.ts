import { beforeLogin, type ExamplesByName } from './example.ts'

/** One of the older commands for hashes. `digest` is that of a.txt, `of` that of its octets 3 up to 8. */
const checksum = (name: string, digest: string, of: string) => ({
  good: `
    C: ${name} a.txt
    S: 250 ${digest}
    C: ${name} "a.txt" 3 8
    S: 250 ${of}
    C: ${name} "a.txt" 13
    S: 554 That lies behind the end of the file
    C: ${name} folder
    S: 553 Not a file
    C: ${name} nothing
    S: 550 No such file or folder
  `,
  misplaced: beforeLogin(`${name} a.txt`),
  malformed: `C: ${name}\nS: 501 A path is needed; syntax: ${name} path | "path" [from [to]]`,
})

export const factsExamples: ExamplesByName = {
  SIZE: {
    good: `
      C: TYPE I
      S: 200 …
      C: SIZE a.txt
      S: 213 12
      C: SIZE /folder/../a.txt
      S: 213 12
      C: SIZE folder
      S: 550 Not a file
      C: SIZE nothing
      S: 550 No such file or folder
      C: TYPE A
      S: 200 …
      C: SIZE a.txt
      S: 550 SIZE needs TYPE I and STRU F
    `,
    misplaced: beforeLogin('SIZE a.txt'),
    malformed: 'C: SIZE\nS: 501 A path is needed; syntax: SIZE path',
  },
  MDTM: {
    good: `
      C: MDTM a.txt
      S: 213 20240229123456
      C: MDTM folder
      S: 550 Not a file
      C: MDTM nothing
      S: 550 …
      C: MDTM 20010203040506 a.txt
      S: 213 The time of modification is set
      C: MDTM a.txt
      S: 213 20010203040506
      C: MDTM 20010203040506 folder
      S: 550 Not a file
      C: MDTM 20010203040506 nothing
      S: 550 No such file or folder
      C: MDTM 20010230040506 a.txt
      S: 550 No such file or folder
    `,
    misplaced: beforeLogin('MDTM a.txt'),
    malformed: 'C: MDTM\nS: 501 A path is needed; syntax: MDTM [YYYYMMDDHHMMSS] path',
  },
  MLST: {
    good: `
      C: OPTS MLST type;size;modify;
      S: 200 …
      C: MLST a.txt
      S: 250-Facts follow:
      S:  type=file;size=12;modify=20240229123456; /a.txt
      S: 250 End of facts
      C: CWD folder
      S: 250 …
      C: MLST ../folder/b "quoted".txt
      S: 250-Facts follow:
      S:  type=file;size=0;modify=… /folder/b "quoted".txt
      S: 250 End of facts
      C: MLST
      S: 250-Facts follow:
      S:  type=dir;modify=… /folder
      S: 250 End of facts
      C: MLST /
      S: 250-Facts follow:
      S:  type=dir;modify=… /
      S: 250 End of facts
      C: MLST nothing
      S: 550 No such file or folder
      C: MLST *.txt
      S: 550 No such file or folder
    `,
    misplaced: beforeLogin('MLST'),
    malformed: 'C: MLST \\xff\nS: 501 Names are UTF-8; syntax: MLST [path]\nC: MLST a\\x01b\nS: 501 …',
  },
  'OPTS MLST': {
    good: `
      C: OPTS MLST type;perm;
      S: 200 MLST OPTS type;perm;
      C: opts mlst UNIX.mode;Size;lang;X.hidden;
      S: 200 MLST OPTS size;unix.mode;
      C: OPTS MLST size
      S: 200 MLST OPTS size;
      C: OPTS MLST
      S: 200 MLST OPTS
      C: FEAT
      S: 211-Features:
      S*  …
      S:  MLST type;size;modify;create;perm;unique;unix.mode;
      S*  …
      S: 211 End
    `,
    misplaced: null,
    malformed:
      'C: OPTS MLST type; size;\nS: 501 Names of facts are needed, each with a semicolon behind it; syntax: OPTS MLST [fact;]…',
  },
  MFMT: {
    good: `
      C: MFMT 20010203040506 a.txt
      S: 213 Modify=20010203040506; a.txt
      C: MDTM a.txt
      S: 213 20010203040506
      C: MFMT 19700101000000.250 folder/b "quoted".txt
      S: 213 Modify=19700101000000.250; folder/b "quoted".txt
      C: MFMT 20010203040506 folder
      S: 213 Modify=20010203040506; folder
      C: MFMT 20010203040506 nothing
      S: 550 No such file or folder
    `,
    misplaced: beforeLogin('MFMT 20010203040506 a.txt'),
    malformed: `
      C: MFMT
      S: 501 A time and a path are needed; syntax: MFMT YYYYMMDDHHMMSS[.sss] path
      C: MFMT 20010203040506
      S: 501 …
      C: MFMT 20010229040506 a.txt
      S: 501 …
      C: MFMT 20010203240000 a.txt
      S: 501 …
      C: MFMT 200102030405 a.txt
      S: 501 …
    `,
  },
  MFCT: {
    good: 'C: MFCT 20010203040506 a.txt\nS: 504 MFCT for this file system is not offered\nC: MFCT 20010203040506 nothing\nS: 550 …',
    misplaced: beforeLogin('MFCT 20010203040506 a.txt'),
    malformed: 'C: MFCT a.txt\nS: 501 A time and a path are needed; syntax: MFCT YYYYMMDDHHMMSS[.sss] path',
  },
  MFF: {
    good: `
      C: MFF Modify=20010203040506;UNIX.mode=0600; a.txt
      S: 213 Modify=20010203040506;UNIX.mode=0600; a.txt
      C: STAT a.txt
      S: 213-…
      S: -rw-------   1 alice    alice              12 Feb  3  2001 a.txt
      S: 213 …
      C: MFF Modify=20020203040506;Create=20010203040506; a.txt
      S: 504 MFF Create is not offered
      C: MDTM a.txt
      S: 213 20010203040506
      C: MFF modify=20010203040506; nothing
      S: 550 No such file or folder
    `,
    misplaced: beforeLogin('MFF modify=20010203040506; a.txt'),
    malformed: `
      C: MFF a.txt
      S: 501 Facts with their values, and a path, are needed; syntax: MFF fact=value;… path
      C: MFF modify=2001; a.txt
      S: 501 A value is not one; …
      C: MFF unix.mode=4755; a.txt
      S: 501 A value is not one; …
    `,
  },
  HASH: {
    good: `
      C: HASH a.txt
      S: 213 SHA-256 0-11 d4ce2c527afe674c7a086bd74e256019e3d5dcdb31eeb6eaadef5ada8c4383b9 a.txt
      C: HASH folder/b "quoted".txt
      S: 213 SHA-256 0-0 e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 folder/b "quoted".txt
      C: OPTS HASH MD5
      S: 200 MD5
      C: HASH a.txt
      S: 213 MD5 0-11 c91fa94e14cf2fa5474beceff788c0dc a.txt
      C: HASH folder
      S: 553 Not a file
      C: HASH nothing
      S: 550 No such file or folder
    `,
    misplaced: beforeLogin('HASH a.txt'),
    malformed: 'C: HASH\nS: 501 A path is needed; syntax: HASH path',
  },
  'OPTS HASH': {
    good: `
      C: OPTS HASH
      S: 200 SHA-256
      C: opts hash sha-512
      S: 200 SHA-512
      C: OPTS HASH
      S: 200 SHA-512
      C: FEAT
      S: 211-Features:
      S*  …
      S:  HASH SHA-256;SHA-512*;SHA-1;MD5;CRC32
      S*  …
      S: 211 End
    `,
    misplaced: null,
    malformed: 'C: OPTS HASH WHIRLPOOL\nS: 504 No such hash',
  },
  XCRC: checksum('XCRC', 'C5BFCCA0', 'AC90BF0C'),
  XMD5: checksum('XMD5', 'C91FA94E14CF2FA5474BECEFF788C0DC', 'D36433E712823CEE80C031CAB188B9FC'),
  XSHA1: checksum('XSHA1', 'B7E96747B2C1A8D418E7BF3167B33D379D1AF9FA', 'F59F6E83C9747233796C71C0CFCE415C7F76C63C'),
  XSHA256: checksum(
    'XSHA256',
    'D4CE2C527AFE674C7A086BD74E256019E3D5DCDB31EEB6EAADEF5ADA8C4383B9',
    '4714D848DD358109D0B9143686EE886CDF9A3BFDF3DB5F55D7505DF223380B08',
  ),
  XSHA512: checksum(
    'XSHA512',
    '465E3DD38901750EF2011BD23DF90B6E920AF3FB4039E20C8CE4B5D5BE8F8611DF8DAF4B7AC151BEF21E4CA74699E3A1A8B3DDB38CE78D3A29A3EC3C2CC70FFF',
    '03423D5712FE3776AF28144E75187738235609A70D9CB8C2C2F4BE5A68F1E78AD023007B0BB1C9E832BE0E41A1755B21E286DBD203D6796B8DF0B52DEC0C76AB',
  ),
  AVBL: {
    good: 'C: AVBL\nS: 213 …\nC: AVBL folder\nS: 213 …\nC: AVBL a.txt\nS: 550 Not a folder\nC: AVBL nothing\nS: 550 …',
    misplaced: beforeLogin('AVBL'),
    malformed: 'C: AVBL \\xff\nS: 501 Names are UTF-8; syntax: AVBL [path]',
  },
  'SITE CHMOD': {
    good: `
      C: SITE CHMOD 600 a.txt
      S: 200 SITE CHMOD done
      C: STAT a.txt
      S: 213-…
      S: -rw-------   1 alice    alice              12 Feb 29  2024 a.txt
      S: 213 …
      C: site chmod 0755 folder/b "quoted".txt
      S: 200 …
      C: SITE CHMOD 700 folder
      S: 200 …
      C: SITE CHMOD 644 nothing
      S: 550 No such file or folder
    `,
    misplaced: beforeLogin('SITE CHMOD 644 a.txt'),
    malformed: `
      C: SITE CHMOD
      S: 501 Three octal digits and a path are needed; syntax: SITE CHMOD mode path
      C: SITE CHMOD 4755 a.txt
      S: 501 …
      C: SITE CHMOD 888 a.txt
      S: 501 …
      C: SITE CHMOD u+x a.txt
      S: 501 …
      C: SITE CHMOD 644
      S: 501 …
    `,
  },
  'SITE UTIME': {
    good: `
      C: SITE UTIME 200102030405 a.txt
      S: 200 SITE UTIME done
      C: MDTM a.txt
      S: 213 20010203040500
      C: SITE UTIME 20010203040506 a.txt
      S: 200 SITE UTIME done
      C: MDTM a.txt
      S: 213 20010203040506
      C: SITE UTIME a.txt 20020203040507 20020203040508 20020203040509 UTC
      S: 200 SITE UTIME done
      C: MDTM a.txt
      S: 213 20020203040508
      C: SITE UTIME folder/b "quoted".txt 20020203040507 20020203040508 20020203040509 UTC
      S: 200 SITE UTIME done
      C: SITE UTIME 20010203040506 nothing
      S: 550 No such file or folder
    `,
    misplaced: beforeLogin('SITE UTIME 20010203040506 a.txt'),
    malformed: `
      C: SITE UTIME
      S: 501 A time and a path are needed; syntax: SITE UTIME …
      C: SITE UTIME a.txt
      S: 501 …
      C: SITE UTIME 20011303040506 a.txt
      S: 501 …
      C: SITE UTIME a.txt 20020203040507 20020203040508 UTC
      S: 501 …
    `,
  },
}
