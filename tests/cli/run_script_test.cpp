// scripts/run: what it says before it installs anything, and when it quantizes anew. A project of links stands in for
// the checkout: set-up does nothing but leave a trace, quantrun writes down how it was called.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/cli/command.h"

namespace shiftsim::test {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

const fs::path kSource = SHIFTSIM_SOURCE_DIR;

class RunScript : public CommandTest {
protected:
  RunScript() {
    for (const std::string file : {"scripts/run", "sim/app/cli.cpp"}) {
      fs::create_directories((folder_ / file).parent_path());
      fs::copy_file(kSource / file, folder_ / file);
    }
    program("scripts/setup", "touch \"$(dirname \"$0\")/../installed\"");
  }

  void program(const std::string& name, const std::string& text) {
    write(name, "#!/bin/bash\nset -e\n" + text + "\n");
    fs::permissions(folder_ / name, fs::perms::owner_all);
  }

  Outcome run(const std::vector<std::string>& arguments) const {
    return run_program((folder_ / "scripts/run").string(), arguments);
  }

  /// What quantrun was asked to do since the last call.
  std::string quantrun_calls() const {
    const std::string calls = read_text(folder_ / "calls");
    fs::remove(folder_ / "calls");
    return calls;
  }
};

TEST_F(RunScript, AnswersBeforeItInstallsAnything) {
  const Outcome help = run({"--help"});
  EXPECT_EQ(help.status, 0) << help.err;
  EXPECT_THAT(help.out, HasSubstr("usage: scripts/run"));
  EXPECT_THAT(help.out, HasSubstr("--fidelity"));
  const Outcome unknown = run({"--fidelty", "lockstep"});
  EXPECT_EQ(unknown.status, 2);
  EXPECT_THAT(unknown.err, HasSubstr("--fidelty"));
  const Outcome missing = run({"--config", "none.yaml"});
  EXPECT_EQ(missing.status, 2);
  EXPECT_THAT(missing.err, HasSubstr("none.yaml: no such file"));
  EXPECT_EQ(run({"-x"}).status, 2);
  EXPECT_EQ(run({"--config"}).status, 2);
  EXPECT_FALSE(fs::exists(folder_ / "installed"));
}

TEST_F(RunScript, QuantizesAnewOnlyWhereTheNetworkDependsOnIt) {
  fs::create_directories(folder_ / "build/release/bin");
  program("build/release/bin/simrun",
          "case \"$*\" in *--print-quantize*) cat \"" + (folder_ / "lines").string() + "\" ;; esac");
  program(
      "build/release/bin/quantrun",
      "case \"$*\" in\n  *--print-recipe*) cat r.yaml ;;\n  *) echo \"$*\" >>calls\n     mkdir -p net.qnet ;;\nesac");
  write("lines",
        "network\tnet.qnet\nmodel\tm.onnx\nrecipe\tr.yaml\nbits\tw2a4\ncalibration\tc.npy\ncalibration_"
        "labels\t\nimages\tt.npy\n"
        "labels\tl.npy\n");
  for (const std::string file : {"m.onnx", "r.yaml", "c.npy", "t.npy", "l.npy", "c.yaml"}) write(file, file);
  const auto calls_after_run = [&] {
    const Outcome outcome = run({"--config", "c.yaml", "--fidelity=golden"});
    EXPECT_EQ(outcome.status, 0) << outcome.err;
    return quantrun_calls();
  };
  EXPECT_THAT(calls_after_run(), HasSubstr("--calibration c.npy --recipe r.yaml --bits w2a4"));
  EXPECT_EQ(calls_after_run(), "");
  write("t.npy", "other images");
  EXPECT_EQ(calls_after_run(), "--model m.onnx --measure-float --images t.npy --labels l.npy --output net.qnet\n");
  EXPECT_EQ(calls_after_run(), "");
  for (const std::string file : {"c.npy", "m.onnx", "r.yaml"}) {
    write(file, "other");
    EXPECT_THAT(calls_after_run(), HasSubstr("--calibration c.npy")) << file;
  }
}

class Script : public CommandTest, public testing::WithParamInterface<const char*> {};

TEST_P(Script, ExplainsItselfAndRefusesUnknownOptions) {
  const std::string script = (kSource / "scripts" / GetParam()).string();
  const Outcome help = run_program(script, {"--help"});
  EXPECT_EQ(help.status, 0) << help.err;
  EXPECT_THAT(help.out, HasSubstr("usage: "));
  const Outcome unknown = run_program(script, {"--no-such-option"});
  EXPECT_EQ(unknown.status, 2);
  EXPECT_THAT(unknown.err, HasSubstr(GetParam()));
}

INSTANTIATE_TEST_SUITE_P(All, Script,
                         testing::Values("accuracy_table", "build_rtl", "check_comma", "check_debian", "check_docs",
                                         "check_format", "check_netlist", "check_prose", "check_sanitizers",
                                         "check_tidy", "fit_gates", "flatten_packages", "generate_commands", "lint_rtl",
                                         "mixed_precision", "run", "setup", "synthesize", "test"),
                         [](const auto& test) { return test.param; });

}  // namespace
}  // namespace shiftsim::test
