/**
 * ProFTPD's tests that do not pass here as they are, and who is right. A test named here that passes fails ours, and so does one that
 * fails and is not named.
 */
const groups: readonly { readonly why: string; readonly tests: readonly string[] }[] = [
  {
    why: 'A missing or wrong argument is 501, an unknown command is 500 (RFC 959 §4.2.1); it asks 500 for both, or 550',
    tests: [
      ...['APPE: appe_fails_no_path', 'RETR: retr_fails_no_path', 'STOR: stor_fails_no_path', 'USER: user_fails_no_user'],
      ...['OPTS: opts_bug3870', 'HOST: host_invalid_ipv4_fails'],
    ],
  },
  {
    why: 'A data connection to another host or a low port is a parameter that is not offered: 504 (RFC 2577 §3); it asks 500',
    tests: ['PORT: port_fails_bad_addr', 'PORT: port_fails_bad_port', 'EPRT: eprt_fails_bad_addr', 'EPRT: eprt_fails_bad_port'],
  },
  {
    why: 'What is not there or not permitted is 550: nobody tries 450 again with more success; it asks 450 in lists and STAT',
    tests: [
      ...['LIST: list_fails_enoent', 'LIST: list_fails_eperm', 'NLST: nlst_fails_enoent', 'NLST: nlst_fails_eperm'],
      ...['NLST: nlst_fails_enoent_glob', 'STAT: stat_enoent', 'STOU: stou_fails_eperm'],
    ],
  },
  { why: 'STRU R is offered: records are the lines of a text; it asks 504', tests: ['STRU: stru_record_fails'] },
  { why: 'ALLO is 200: devices read 202 as a failure', tests: ['ALLO: allo_chrooted_bug3996'] },
  {
    why: 'Parameters are for who is logged in (530 is among the replies of RFC 959 §5.4 to TYPE)',
    tests: ['TYPE: type_ascii_ok', 'TYPE: type_binary_ok', 'TYPE: type_other_fails'],
  },
  { why: 'MLSD of a file is 501 (RFC 3659 §7.2.1); it asks 550', tests: ['MLSD: mlsd_fails_file'] },
  {
    why: 'It reads the facts of ProFTPD, all of them and in its order; test/ftp asks the same of ours',
    tests: [
      ...['MLSD: mlsd_ok_cwd_dir', 'MLSD: mlsd_ok_other_dir_bug4198', 'MLSD: mlsd_ok_chrooted_dir', 'MLSD: mlsd_ok_empty_dir'],
      ...['MLSD: mlsd_ok_no_path', 'MLSD: mlsd_ok_path_with_spaces', 'MLSD: mlsd_symlink_showsymlinks_off_bug3318'],
      ...['MLSD: mlsd_symlink_showsymlinks_on_bug3318', 'MLSD: mlsd_symlink_showsymlinks_on_chrooted_bug4219'],
      ...['MLSD: mlsd_symlinked_dir_bug3859', 'MLSD: mlsd_symlinked_dir_showsymlinks_off_bug3859'],
      ...['MLSD: mlsd_symlink_rel_path_chrooted_bug4322', 'MLSD: mlsd_symlink_rel_path_subdir_chrooted_bug4322'],
      'MLSD: mlsd_symlink_rel_path_subdir_cwd_chrooted_bug4322',
    ],
  },
  {
    why: 'It counts the features or commands of ProFTPD',
    tests: [
      ...['FEAT: feat_ok', 'FEAT: feat_eprt_limit_issue1383', 'FEAT: feat_epsv_limit_issue1383'],
      ...['FEAT: feat_eprt_epsv_limit_issue1383', 'HELP: help_ok'],
    ],
  },
  {
    why: 'Times are kept to the millisecond, and the reply tells which one was set; it asks that the fraction is dropped',
    tests: ['MFMT: mfmt_unsupported_precision_ok'],
  },
  {
    why: 'Commands wait for the end of a transfer, in their order (RFC 959 §5.2 has ABOR, STAT and QUIT in it); it asks 450 at once',
    tests: [
      ...['PASV: pasv_during_xfer_bug3487', 'PORT: port_during_xfer_bug3487', 'EPRT: eprt_during_xfer_bug3487'],
      ...['EPSV: epsv_during_xfer_bug3487', 'RNFR: rnfr_during_xfer_bug3492'],
    ],
  },
  {
    why: 'REST is taken with either type, since TYPE may follow it; the transfer refuses it',
    tests: ['REST: rest_fails_offset_and_ascii'],
  },
  {
    why: 'Control characters in names are refused, and names are UTF-8: what ls and other clients do with them is nobody to guess',
    tests: [
      ...['MKD: mkd_embedded_cr_bug4167', 'MKD: mkd_embedded_lf_bug4167'],
      ...['MLSD: mlsd_nonascii_chars_bug3032', 'MLST: mlst_nonascii_chars_bug3032'],
    ],
  },
  {
    why: 'A list tells of a link what it leads to: who may enter it, how large it is; a link is not a name that a client can use',
    tests: [
      ...['LIST: list_symlink_rel_with_double_slash_bug3719', 'LIST: list_showsymlinks_on'],
      ...['LIST: list_showsymlinks_on_chrooted_bug4219', 'LIST: list_opt_R_self_symlinked_dir_bug3719'],
      ...['LIST: list_symlink_rel_path_chrooted_bug4322', 'LIST: list_symlink_rel_path_subdir_chrooted_bug4322'],
      'LIST: list_symlink_rel_path_subdir_cwd_chrooted_bug4322',
    ],
  },
  {
    why: 'A link that leads to nothing is nothing to write to: STOR is 550, as APPE is there too; no file is made where a link says',
    tests: [
      ...['STOR: stor_abs_symlink', 'STOR: stor_abs_symlink_chrooted_bug4219', 'STOR: stor_rel_symlink'],
      'STOR: stor_rel_symlink_chrooted_bug4219',
    ],
  },
  {
    why: 'An absolute link is a path of the machine, never one below the root that a client sees',
    tests: ['CWD: cwd_symlinks_traversing_bug3297', 'CWD: cwd_symlinks_oneshot_bug3297'],
  },
  { why: 'A tilde is a name like another', tests: ['CWD: cwd_tilde_ok', 'CWD: cwd_tilde_chrooted_bug3785'] },
  {
    why: 'It asks for the path as it sent it, which is another one here than on the disk; docs/ftp-peers.md asks the same',
    tests: ['LIST: list_ok_file', 'LIST: list_file_after_upload', 'NLST: nlst_ok_file'],
  },
  { why: 'LIST of a file tells its name, without its path', tests: ['LIST: list_file_rel_paths_bug4259'] },
  {
    why: 'Blanks behind the options of ls are no part of a name: who means one writes ./ before it',
    tests: ['LIST: list_leading_whitespace_with_opts_bug3268', 'NLST: nlst_leading_whitespace_with_opts_bug3268'],
  },
  {
    why: '. and .. are no entries: nobody asked for them, and clients that walk folders must leave them out',
    tests: [
      'LIST: list_glob_legit_dir_name',
      'LIST: list_glob_legit_dir_name_bug3407',
      'NLST: nlst_opt_1_with_chroot',
      'STAT: stat_dir_with_files_bug3990',
    ],
  },
  {
    why: 'Of the options of ls, -a -l -R -t and their like mean something; -C and sorting by other times, and -R in NLST, do not',
    tests: ['LIST: list_opt_C', 'LIST: list_opt_c', 'LIST: list_opt_u', 'NLST: nlst_ok_glob_dir_with_recursion_bug4084'],
  },
  {
    why: 'What a pattern or a path with slashes at its end names is told in the form that was asked in',
    tests: ['LIST: list_slashstar_bug3529', 'NLST: nlst_trailing_slashes_bug2457', 'NLST: nlst_parent_dir_bug4011'],
  },
  {
    why: 'HOST is for names that this host is reached under; all of them are one (RFC 7151 §3)',
    tests: ['HOST: host_known_ipv4_different_host_fails', 'HOST: host_config_limit_denied'],
  },
  {
    why: 'Only RNTO goes on from RNFR: any other command is carried out, and RNTO refused behind it',
    tests: ['RNFR: rnfr_list_bad_cmd_sequence_bug3829'],
  },
  { why: 'RNTO takes the place of what is there, as rename(2) does', tests: ['RNTO: rnto_fails_allow_overwrite'] },
  {
    why: 'LIST of what is not there needs no data connection to be refused',
    tests: ['RETR: retr_2nd_transfer_terminates_1st_transfer_bug4010'],
  },
  {
    why: 'The port that it takes away is not needed: data connections come from a free one',
    tests: ['PORT: port_eaddrinuse_bug3944'],
  },
]

export const differs: Readonly<Record<string, string>> = Object.fromEntries(
  groups.flatMap(({ why, tests }) => tests.map((test) => [test, why])),
)

/**
 * Those that may do either. Of ABOR: how much of a small file or list is on its way when ABOR comes, or when the client ends the data
 * connection, is the system's matter, and 226 is as right as 426; test/ftp/abort.test.ts asks it of transfers that cannot be over. Of
 * modes and times: whose the files are that the tests make, which is somebody else's where root runs them.
 */
export const eitherWay =
  /^(?:ABOR: (?:abor_(?:only_)?(?:list|mlsd|retr|with_cyrillic)|data_eof_(?:before_abor_)?(?:list|mlsd|retr))|MFMT: mfmt_group_owner_only|SITE::CHMOD: chmod_octal_ok)/
