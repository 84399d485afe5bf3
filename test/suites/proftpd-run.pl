# Runs ProFTPD's own tests of its commands against another server that runs already: what starts and configures ProFTPD is replaced,
# and replies are judged by their code, and by their text only where clients read it (213, 257). Each test ends in one line of JSON:
# {"test", "outcome": "passed" | "failed" | "not-applicable", "why"}.
#
# perl proftpd-run.pl TESTS PORT ACCOUNT HOME UID MODULE…
#   TESTS  the folder tests/ of ProFTPD's source     PORT  where the server listens
#   ACCOUNT  stands for the tests' own account, proftpd; its password is theirs, test
#   HOME   that account's folder, emptied each time  UID   whom the server runs as: owns what the tests give to their account
use strict;
use warnings;

my ($tests, $port, $account, $home, $uid, @modules);

BEGIN {
  ($tests, $port, $account, $home, $uid, @modules) = @ARGV;
  no warnings 'once';
  # The account of the tests is the server's user.
  *CORE::GLOBAL::chown = sub {
    my ($owner, $group, @files) = @_;
    return CORE::chown($owner == 500 ? $uid : $owner, $group == 500 ? $uid : $group, @files);
  };
}

# What the tests take from Test::Unit, and from a module of IPv6 that today's Net::FTP does not need.
package Test::Unit::TestCase;
BEGIN {
  $INC{'Test/Unit/TestCase.pm'} = $INC{'Net/INET6Glue/FTP.pm'} = $INC{'Net/Address/IP/Local.pm'} = 1;
  *Net::Address::IP::Local::public = *Net::Address::IP::Local::public_ipv4 = sub { return '127.0.0.1' };
  *Net::Address::IP::Local::public_ipv6 = sub { return '::1' };
}

sub new { my ($class, $name) = @_; return bless { name => $name }, $class }
sub annotate { }

sub assert {
  my ($self, $what, @rest) = @_;
  if (ref($what) eq 'Regexp') {
    my ($text, $message) = @rest;
    return 1 if defined($text) && $text =~ $what;
    die(($message // "not like $what") . "\n");
  }
  die(($rest[0] // 'assertion failed') . "\n") unless $what;
  return 1;
}

package Havre;

# What the tests say of the server that they would start.
our ($account_folder, $chrooted, $last_code) = ('', 0, 0);

# Settings that change nothing which a client would see, or that mean what the server does anyway.
my %harmless = map { $_ => 1 } qw(PidFile ScoreboardFile SystemLog TraceLog Trace AuthUserFile AuthGroupFile AuthOrder IfModules
  DebugLevel TimeoutLinger TimeoutIdle UseSendfile DefaultServer MaxInstances ServerIdent RootRevoke TransferOptions);
my %same = (AllowOverwrite => 'on', AllowStoreRestart => 'on', DefaultRoot => '~', UseEncoding => 'on', ShowSymlinks => '*',
  AllowOverride => '*');

sub not_applicable { die("not applicable: $_[0]\n") }

# A path of the machine in the client's words is the path below the account's folder.
sub mapped {
  my ($text) = @_;
  return $text unless defined $text;
  $text =~ s{\Q$home\E(?=/)}{}g;
  $text =~ s{\Q$home\E}{/}g;
  return $text;
}

# Replies are for people, but for those that clients read.
sub text_fits {
  my ($expected, $said) = @_;
  my ($wanted, $got) = (mapped($expected) // '', $said // '');
  return 1 if $wanted eq $got || $wanted eq '';
  if ($last_code == 213) { return 0 }
  if ($last_code == 257) {
    my ($a) = $wanted =~ /^("(?:[^"]|"")*")/;
    my ($b) = $got =~ /^("(?:[^"]|"")*")/;
    return defined $a && defined $b && $a eq $b;
  }
  return 1;
}

sub touch { for my $path (@_) { next if -e $path; open(my $file, '>', $path) or die("$path: $!"); close($file) } }

sub config_write {
  my ($path, $config) = @_;
  not_applicable('several virtual servers or sections') if ref($config) ne 'HASH';
  touch($path);
  for my $name (sort keys %$config) {
    my $value = $config->{$name};
    touch($value) if $name =~ /^(?:PidFile|ScoreboardFile)$/;
    touch("$value.lck") if $name eq 'ScoreboardFile';
    if ($name eq 'DefaultRoot' && $value eq '~') { $chrooted = 1; next }
    next if $harmless{$name};
    next if defined $same{$name} && ($same{$name} eq '*' || $same{$name} eq $value);
    not_applicable("ProFTPD's setting $name");
  }
  not_applicable('an account whose root is elsewhere') if $chrooted && $account_folder ne '' && $account_folder ne $home;
  return ($port, 'proftpd', 'ftpd');
}

sub auth_user_write {
  my ($path, $user, $password, $wanted_uid, $gid, $folder) = @_;
  not_applicable("the account $user with another password") if $user ne 'proftpd' || $password ne 'test';
  touch($path);
  $account_folder = $folder;
  return 1;
}

sub auth_group_write { touch($_[0]); return 1 }

sub wait_for_end {
  my ($config, $pipe) = @_;
  alarm(40);
  while (my $line = <$pipe>) { last if $line =~ /^done/ }
  return 1;
}

# The text comparisons of a module, in its source as it is loaded.
sub loosened {
  my ($source) = @_;
  $source =~ s/assert\(\$expected eq \$resp_msg,/assert(Havre::text_fits(\$expected, \$resp_msg),/g;
  $source =~ s/assert\(\$expected eq \$resp_msgs->\[(\w+|\$\w+)\],/assert(Havre::text_fits(\$expected, \$resp_msgs->[$1]),/g;
  $source =~ s/assert\(qr\/\$expected\/(i?), \$resp_msg,/assert(Havre::pattern_fits(\$expected, \$resp_msg),/g;
  # Folders of 100,000 files and more are made file by file: a hundredth shows the same.
  $source =~ s/my \$count = (1\d00)00;/my \$count = $1;/g;
  return $source;
}

sub pattern_fits {
  my ($expected, $said) = @_;
  return 1 unless $last_code == 213;
  my $wanted = mapped($expected);
  return ($said // '') =~ /$wanted/;
}

package main;

unshift @INC, sub {
  my ($self, $name) = @_;
  return unless $name =~ m{^ProFTPD/Tests/};
  my $path = "$tests/t/lib/$name";
  open(my $file, '<', $path) or return;
  my $source = do { local $/; <$file> };
  close($file);
  my $text = Havre::loosened($source);
  open(my $loosened, '<', \$text) or die $!;
  return $loosened;
};
push @INC, "$tests/t/lib";

require ProFTPD::TestSuite::Utils;
require Net::FTP;
{
  no warnings qw(redefine once);
  no strict 'refs';
  my $utils = 'ProFTPD::TestSuite::Utils';
  *{"${utils}::config_write"} = \&Havre::config_write;
  *{"${utils}::auth_user_write"} = \&Havre::auth_user_write;
  *{"${utils}::auth_group_write"} = \&Havre::auth_group_write;
  *{"${utils}::server_wait"} = \&Havre::wait_for_end;
  *{"${utils}::server_stop"} = sub { return 1 };
  *{"${utils}::server_start"} = sub { Havre::not_applicable('a server that is started and ended in the test') };
  *{"${utils}::server_restart"} = *{"${utils}::server_signal"} = *{"${utils}::server_start"};
  *{"${utils}::feature_have_feature_enabled"} = sub { return 1 };
  *{"${utils}::feature_have_module_compiled"} = sub { return 0 };
  *{"${utils}::feature_have_module_loaded"} = sub { return 0 };
  *{"${utils}::feature_get_version"} = sub { Havre::not_applicable("ProFTPD's version") };
  *{"${utils}::test_append_logfile"} = sub { };
  *{"${utils}::testsuite_get_tmp_dir"} = sub { return $home };

  # The two replies to ABOR, and those to STOU, are looked at together, which Net::FTP forgets since its version 3.
  my (@said_before, $said_last);
  my $response = \&Net::Cmd::response;
  *Net::Cmd::response = sub {
    my ($self) = @_;
    my $class = $response->($self);
    $Havre::last_code = $self->code() || 0;
    my $replies = ${*$self}{net_cmd_resp} // [];
    unshift(@$replies, @said_before);
    @said_before = $Havre::last_code == 426 || $said_last eq 'STOU' ? @$replies : ();
    return $class;
  };
  my $command = \&Net::Cmd::command;
  *Net::Cmd::command = sub {
    my ($self, @words) = @_;
    @said_before = ();
    $said_last = uc($words[0] // '');
    $words[1] = $account if uc($words[0] // '') eq 'USER' && ($words[1] // '') eq 'proftpd';
    return $command->($self, map { Havre::mapped($_) } @words);
  };
}
require ProFTPD::TestSuite::FTP;
require ProFTPD::TestSuite::Child;
{
  no warnings qw(redefine once);
  *ProFTPD::TestSuite::Child::tear_down = sub { };
  *ProFTPD::TestSuite::Child::assert_transfer_ok = sub {
    my ($self, $code, $text) = @_;
    die("Expected response code 150 or 226, got $code\n") unless $code == 226 || $code == 150;
  };
  # Where the account's folder is not the tests' own, its sessions begin there.
  my $login = \&ProFTPD::TestSuite::FTP::login;
  *ProFTPD::TestSuite::FTP::login = sub {
    my $self = shift;
    my @said = $login->($self, @_);
    if (!$Havre::chrooted && $Havre::account_folder ne '' && $Havre::account_folder ne $home) {
      $self->{ftp}->command('CWD', $Havre::account_folder);
      $self->{ftp}->response();
    }
    return wantarray ? @said : $said[1];
  };
}

sub empty_home {
  require File::Path;
  opendir(my $folder, $home) or die "$home: $!";
  my @names = grep { !/^\.\.?$/ } readdir($folder);
  closedir($folder);
  chmod(0755, $home);
  for my $name (@names) {
    my $path = "$home/$name";
    if (-d $path && !-l $path) { File::Path::remove_tree($path, { error => \my $ignored }) }
    else { unlink($path) }
  }
  CORE::chown($uid, $uid, $home);
}

sub text_of_json {
  my ($text) = @_;
  $text =~ s/([\\"])/\\$1/g;
  $text =~ s/([\x00-\x1f\x7f-\xff])/sprintf('\\u%04x', ord($1))/ge;
  return "\"$text\"";
}

sub run_test {
  my ($class, $name) = @_;
  empty_home();
  pipe(my $reader, my $writer) or die $!;
  my $pid = fork() // die $!;
  if ($pid == 0) {
    close($reader);
    setpgrp(0, 0);
    my $self = $class->new($name);
    $self->set_up();
    my $ok = eval { $self->$name(); 1 };
    my $why = $ok ? 'passed' : "failed $@";
    print $writer $why;
    close($writer);
    require POSIX;
    POSIX::_exit(0);
  }
  close($writer);
  my $why = '';
  my $ended = eval {
    local $SIG{ALRM} = sub { die "late\n" };
    alarm(25);
    $why = do { local $/; <$reader> } // '';
    alarm(0);
    1;
  };
  alarm(0);
  kill('KILL', -$pid);
  waitpid($pid, 0);
  return ('failed', 'it came to no end in 25 s') if !$ended;
  return ('failed', 'it ended without a word') if $why eq '';
  return ('passed', '') if $why eq 'passed';
  $why =~ s/^failed //;
  return ('not-applicable', $1) if $why =~ /^not applicable: (.*?)\n?$/;
  return ('failed', (split(/\n/, $why))[0] // '');
}

$| = 1;
open(my $report, '>&', \*STDOUT) or die $!;
open(STDOUT, '>&', \*STDERR) or die $!;
$report->autoflush(1);
for my $module (@modules) {
  my $class = "ProFTPD::Tests::Commands::$module";
  (my $file = "$class.pm") =~ s{::}{/}g;
  require $file;
  my $named = $class =~ s/^ProFTPD::Tests::Commands:://r;
  for my $name (grep { $_ ne 'testsuite_empty_test' } $class->new('list')->list_tests()) {
    my ($outcome, $why) = run_test($class, $name);
    $why =~ s{ at /loader/\S+ line \d+\.$}{};
    $why =~ s{ \(at /loader/\S+\)$}{};
    print $report "{\"test\":" . text_of_json("$named: $name") . ",\"outcome\":\"$outcome\",\"why\":" . text_of_json($why) . "}\n";
  }
}
