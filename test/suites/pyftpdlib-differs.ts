/**
 * Tests of pyftpdlib that Havre does not pass, each with what it asks and why the answer here is another one. A test named here that
 * passes fails ours, and so does one that fails and is not named. The same tests over TLS, and with other files on the client's side,
 * go by the same name.
 */
const groups: readonly { readonly why: string; readonly tests: readonly string[] }[] = [
  {
    why: 'The login after which the session ends is answered 421, which tells that (RFC 959 §5.4 has it for PASS); it asks 530, and an end without a word',
    tests: [
      'TestConfigurableOptions.test_max_login_attempts',
      'TestFtpAuthentication.test_auth_failed',
      'TestFtpAuthentication.test_max_auth',
    ],
  },
  { why: 'Names of accounts know no case; it asks that AnoNymouS is nobody', tests: ['TestFtpAuthentication.test_anon_auth'] },
  {
    why: 'USER and REIN wait for the end of the transfer, and the 221 of QUIT comes behind its 226 (RFC 959 §4.1.1: the connection stays for the result); it asks an answer at once, and lets the transfer stand until then',
    tests: [
      'TestFtpAuthentication.test_rein_during_transfer',
      'TestFtpAuthentication.test_user_during_transfer',
      'TestFtpStoreData.test_quit_during_transfer',
    ],
  },
  {
    why: 'ABOR with nothing to abort is 226: it was carried out (RFC 959 §4.1.3); it asks 225',
    tests: [
      'TestFtpAbort.test_abor_no_data',
      'TestFtpAbort.test_abor_pasv',
      'TestFtpAbort.test_abor_port',
      'TestFtpAbort.test_oob_abor',
    ],
  },
  {
    why: 'The data connection to a client is made when a transfer wants it (RFC 959 §3.2), not at PORT or EPRT',
    tests: [
      'TestCornerCases.test_active_conn_error',
      'TestCornerCases.test_port_race_condition',
      'TestIPv6MixedEnvironment.test_eprt_v4',
    ],
  },
  {
    why: 'A data connection to another host or a low port is a parameter that is not offered: 504 (RFC 2577 §3); it asks 501',
    tests: [
      'TestIPv4Environment.test_eprt',
      'TestIPv4Environment.test_eprt_v4',
      'TestIPv4Environment.test_port_v4',
      'TestIPv6Environment.test_eprt',
    ],
  },
  {
    why: 'Nothing is said unasked of a port to which nobody came: the command that needs it is told 425; it asks 421',
    tests: ['TestTimeouts.test_pasv_timeout'],
  },
  {
    why: 'A port outside the range is one that no firewall lets through: 425; it asks any other port',
    tests: ['TestConfigurableOptions.test_passive_ports_busy'],
  },
  {
    why: 'The limit of connections is one of sessions; it counts data connections too',
    tests: ['TestConfigurableOptions.test_max_connections'],
  },
  { why: 'RNTO without RNFR is 503, with a path or without; it asks 501', tests: ['TestFtpCmdsSemantic.test_arg_cmds'] },
  {
    why: 'STAT before the login is 530: what it would tell is of the account',
    tests: ['TestFtpCmdsSemantic.test_no_auth_cmds'],
  },
  { why: 'ALLO is of a number: 501; it sends ALLO x', tests: ['TestFtpDummyCmds.test_allo'] },
  {
    why: 'FEAT tells the facts in another order, and the semicolon behind the last name of OPTS MLST may be missing; it asks 501',
    tests: ['TestFtpDummyCmds.test_opts_feat'],
  },
  {
    why: 'OPTS is carried out before the login, since names of accounts may need UTF-8 (RFC 2640 §4.1)',
    tests: ['TestFtpCmdsSemantic.test_auth_cmds'],
  },
  {
    why: 'REST is taken with either type, since TYPE may follow it; the transfer refuses it',
    tests: ['TestFtpDummyCmds.test_rest'],
  },
  { why: 'STRU R is offered: records are the lines of a text; it asks 504', tests: ['TestFtpDummyCmds.test_stru'] },
  { why: 'SITE HELP is one page; it asks one of each command', tests: ['TestFtpDummyCmds.test_site_help'] },
  { why: 'TYPE L 7 would be files of seven bits: 501; it asks 200', tests: ['TestFtpDummyCmds.test_type'] },
  { why: 'CWD needs a path: 501; it asks that CWD goes to the root', tests: ['TestFtpFsOperations.test_cwd'] },
  {
    why: 'MLSD tells the folder above as type=pdir (RFC 3659 §7.5.1 leaves it open), of an empty folder too',
    tests: ['TestFtpListingCmds.test_mlsd'],
  },
  {
    why: 'A fact that something does not have is not told of it (RFC 3659 §7.5): folders have no size',
    tests: ['TestFtpListingCmds.test_mlsd_all_facts'],
  },
  { why: 'STAT takes patterns, as LIST does; it asks 550', tests: ['TestFtpListingCmds.test_stat'] },
  {
    why: 'REST n before an upload continues it where something is there; where nothing is, 554 (RFC 1123 §4.1.3.4); it asks 450',
    tests: ['TestFtpStoreData.test_appe_rest', 'TestFtpStoreData.test_stou_rest'],
  },
  {
    why: 'A transfer needs PASV, EPSV, PORT or EPRT before it: 425; it sends STOU, and PORT behind it',
    tests: ['TestFtpStoreData.test_stou'],
  },
  { why: "AUTH TLS is RFC 4217's; AUTH SSL is not", tests: ['TestFTPS.test_feat'] },
  {
    why: 'Logging in in clear where TLS is required is 530, and 521 the transfer (RFC 4217 §12); it asks 550 for both',
    tests: ['TestFTPS.test_tls_control_required', 'TestFTPS.test_tls_data_required'],
  },
]

/** Names of tests, and why they fail. */
export const differs: Readonly<Record<string, string>> = Object.fromEntries(
  groups.flatMap(({ why, tests }) => tests.map((test) => [test, why])),
)

/** Patterns of names of tests that cannot be asked of another server, and why. */
export const leftOut: Readonly<Record<string, string>> = {
  'TestCallbacks\\..*': "they ask what pyftpdlib's own hooks are told",
  'TestThrottleBandwidth.*\\..*': 'they set limits in a server that runs',
  '.*NoSendfile\\..*': 'they turn a part of pyftpdlib off',
  '.*\\.test_(?:error_on_callback|repr|sendfile|sendfile_enabled|ioloop_fileno|sendfile_fails)': 'they look into pyftpdlib',
  '.*\\.test_(?:unforeseen_time_event|stou_max_tries)': 'they put another file system into pyftpdlib',
  '.*\\.test_permit_(?:foreign_address_.*|privileged_ports)': "they look into pyftpdlib, and at settings that open others' hosts",
}

/** The name that a test has in the table. */
export const plainName = (test: string): string =>
  test.replace(/(?:TLSMixin|WithCustomIO|CustomIO)\./, '.').replace('TestTFtp', 'TestFtp')
