// simrun sweep --slurm against a real Slurm: a controller and a node of two slots that this test starts on the loopback
// address, as whoever runs it. Debian's slurm-wlm has all of it; without, the test is skipped.
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <pwd.h>
#include <sys/socket.h>

#include <csignal>
#include <filesystem>
#include <thread>

#include "tests/cli/tiny_network.h"

namespace shiftsim {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;

constexpr auto kPoll = std::chrono::milliseconds(100);
constexpr int kPatience = 600;  // polls

/// Where the program is, or nothing.
std::string program(const std::string& name) {
  for (const char* folder : {"/usr/sbin/", "/usr/bin/", "/usr/local/sbin/", "/usr/local/bin/"})
    if (fs::exists(folder + name)) return folder + name;
  return "";
}

int free_port() {
  const int descriptor = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  EXPECT_EQ(bind(descriptor, reinterpret_cast<sockaddr*>(&address), size), 0);
  EXPECT_EQ(getsockname(descriptor, reinterpret_cast<sockaddr*>(&address), &size), 0);
  close(descriptor);
  return ntohs(address.sin_port);
}

class SlurmTest : public test::TinyNetworkTest {
protected:
  void SetUp() override {
    for (const char* name : {"slurmctld", "slurmd", "sbatch", "squeue", "scancel", "sinfo"})
      if (program(name).empty()) GTEST_SKIP() << "Slurm is not installed (Debian's slurm-wlm): there is no " << name;
    const std::string user = getpwuid(geteuid())->pw_name, place = folder_.string();
    const int node_port = free_port();
    write("slurm.conf",
          "ClusterName=shiftsim\nSlurmctldHost=localhost(127.0.0.1)\nSlurmctldPort=" + std::to_string(free_port()) +
              "\nSlurmdPort=" + std::to_string(node_port) + "\nSlurmUser=" + user + "\nSlurmdUser=" + user +
              "\nAuthType=auth/none\nCredType=cred/none\n"
              "CommunicationParameters=NoInAddrAny,NoCtldInAddrAny\n"
              "ProctrackType=proctrack/linuxproc\nTaskPlugin=task/none\nJobAcctGatherType=jobacct_gather/none\n"
              "SelectType=select/cons_tres\nSelectTypeParameters=CR_Core\nKillWait=1\nMpiDefault=none\n"
              "SchedulerParameters=batch_sched_delay=0,sched_interval=1\nReturnToService=2\n"
              "StateSaveLocation=" +
              place + "/state\nSlurmdSpoolDir=" + place +
              "/spool\n"
              "SlurmctldPidFile=" +
              place + "/slurmctld.pid\nSlurmdPidFile=" + place +
              "/slurmd.pid\n"
              "SlurmctldLogFile=" +
              place + "/slurmctld.log\nSlurmdLogFile=" + place +
              "/slurmd.log\n"
              "NodeName=n1 NodeHostname=localhost NodeAddr=127.0.0.1 Port=" +
              std::to_string(node_port) +
              " CPUs=2\n"
              "PartitionName=all Nodes=n1 Default=YES State=UP\n");
    write("cgroup.conf", "CgroupPlugin=cgroup/v1\n");
    fs::create_directories(folder_ / "state");
    fs::create_directories(folder_ / "spool");
    setenv("SLURM_CONF", (folder_ / "slurm.conf").c_str(), 1);
    controller_ = start_program(program("slurmctld"), {"-D", "-f", place + "/slurm.conf"}, "slurmctld");
    node_ = start_program(program("slurmd"), {"-D", "-f", place + "/slurm.conf", "-N", "n1"}, "slurmd");
    const bool up = wait_for([&] { return slurm("sinfo", {"-h", "-o", "%t"}) == "idle\n"; });
    ASSERT_TRUE(up) << test::read_text(folder_ / "slurmctld.log") << test::read_text(folder_ / "slurmd.log");

    write("base.yaml",
          "network: tiny.qnet\ndataset: {images: images.npy, labels: labels.npy}\nrun: {results: results}\n");
    write("s.yaml",
          "base: base.yaml\naxes:\n  array.rows: {from: 4, to: 64, step: 1}\n  dram.latency_cycles: [60, 99999]\n"
          "engine: cycle\n");
  }

  void TearDown() override {
    if (controller_ == 0) return;
    slurm("scancel", {"--state=PENDING", "--user", getpwuid(geteuid())->pw_name});
    slurm("scancel", {"--user", getpwuid(geteuid())->pw_name});
    wait_for([&] { return queue().empty(); });
    for (const pid_t daemon : {node_, controller_}) {
      kill(daemon, SIGTERM);
      waitpid(daemon, nullptr, 0);
    }
  }

  static bool wait_for(const std::function<bool()>& condition) {
    for (int i = 0; i < kPatience; ++i) {
      if (condition()) return true;
      std::this_thread::sleep_for(kPoll);
    }
    return false;
  }

  std::string slurm(const std::string& name, const std::vector<std::string>& arguments) const {
    return run_program(program(name), arguments).out;
  }
  std::string queue() const { return slurm("squeue", {"-h", "-r", "-o", "%i %t"}); }
  test::Outcome sweep(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), {"sweep", "-q"});
    return run_program(SHIFTSIM_SIMRUN, arguments);
  }
  std::size_t blocks() const {
    std::error_code none;
    const fs::directory_iterator rows(folder_ / "shared/rows/points", none);
    return static_cast<std::size_t>(std::distance(fs::begin(rows), fs::end(rows)));
  }

  pid_t controller_ = 0, node_ = 0;
};

TEST_F(SlurmTest, TasksShareTheFolderAndOneIsKilled) {
  const test::Outcome alone = sweep({"s.yaml", "--output", "alone"});
  ASSERT_EQ(alone.status, 0) << alone.err;
  const test::Outcome submitted = sweep({"s.yaml", "--output", "shared", "--slurm", "--array=1-3", "--time=10"});
  ASSERT_EQ(submitted.status, 0) << submitted.err;
  EXPECT_THAT(submitted.out, AllOf(HasSubstr("submitted    job "), HasSubstr("--status"), HasSubstr("--collect")));
  const std::string at = "job ";
  const std::string job = std::to_string(std::stoi(submitted.out.substr(submitted.out.find(at) + at.size())));

  // Two run, the third waits for a slot: that of the one that is killed, without a chance to tidy up.
  ASSERT_TRUE(wait_for([&] { return blocks() > 20; }))
      << queue() << test::read_text(folder_ / ("shared/slurm/" + job + "_1.log"));
  EXPECT_THAT(queue(), AllOf(HasSubstr(job + "_1 R"), HasSubstr(job + "_2 R"), HasSubstr(job + "_3 PD")));
  EXPECT_THAT(sweep({"--status", "shared"}).out, HasSubstr("122 points"));
  slurm("scancel", {"--full", "--signal=KILL", job + "_1"});
  EXPECT_LT(blocks(), 122u) << "the sweep had ended before a task could be killed";
  ASSERT_TRUE(wait_for([&] { return queue().empty(); })) << queue();

  EXPECT_THAT(sweep({"--status", "shared"}).out, HasSubstr("122 (100.0 %)"));
  const test::Outcome collected = sweep({"--collect", "shared"});
  EXPECT_EQ(collected.status, 0) << collected.err;
  for (const char* name : {"points.csv", "points.json", "front.csv"}) {
    EXPECT_TRUE(test::read_text(folder_ / "shared" / name) == test::read_text(folder_ / "alone" / name)) << name;
  }
  EXPECT_TRUE(fs::exists(folder_ / ("shared/slurm/" + job + "_3.log"))) << "the third task had work left";
}

TEST_F(SlurmTest, WhatSbatchRefusesIsBadInput) {
  const test::Outcome outcome = sweep({"s.yaml", "--output", "shared", "--slurm", "--partition=none"});
  EXPECT_EQ(outcome.status, 2) << outcome.out;
  EXPECT_THAT(outcome.err, AllOf(HasSubstr("sbatch ended with status 1"), HasSubstr("invalid partition")));
}

}  // namespace
}  // namespace shiftsim
