// What `cmake --install` puts into a prefix works from there, with the source tree out of reach; so does what CPack
// packs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "tests/cli/command.h"

namespace shiftsim::test {
namespace {

namespace fs = std::filesystem;
using testing::Contains;
using testing::HasSubstr;
using testing::IsSupersetOf;

const std::string kImages = "/usr/share/datasets/fashion-mnist";

class InstallTest : public CommandTest {
protected:
  void SetUp() override {
    const Outcome installed = run_program("cmake", {"--install", SHIFTSIM_BINARY_DIR, "--prefix", prefix()});
    ASSERT_EQ(installed.status, 0) << installed.out << installed.err;
    fs::copy_file(SHIFTSIM_SOURCE_DIR "/models/mobilenet_fmnist.onnx", folder_ / "net.onnx");
    unshare_ = run_program("unshare", hidden({"true"})).status == 0;
  }

  std::string prefix() const { return (folder_ / "usr").string(); }
  std::string shipped(const std::string& file) const { return prefix() + "/share/shiftsim/" + file; }

  /// The command in a mount namespace where the source tree is an empty folder.
  std::vector<std::string> hidden(const std::vector<std::string>& command) const {
    std::vector<std::string> words = {
        "--mount", "--map-root-user",  "sh", "-c", "mount -t tmpfs none \"$1\" && shift && exec \"$@\"",
        "sh",      SHIFTSIM_SOURCE_DIR};
    words.insert(words.end(), command.begin(), command.end());
    return words;
  }

  /// Runs an installed program; the source tree is hidden where the system allows it.
  Outcome run_installed(const std::string& file, std::vector<std::string> arguments) const {
    const std::vector<std::string> clean = {"env", "-u", "SHIFTSIM_HOME",
                                            "SHIFTSIM_CACHE=" + (folder_ / "cache").string(), prefix() + "/" + file};
    arguments.insert(arguments.begin(), clean.begin(), clean.end());
    if (unshare_) return run_program("unshare", hidden(arguments));
    return run_program("env", {arguments.begin() + 1, arguments.end()});
  }

  bool unshare_ = false;
};

/// The programs, the golden library, the Python module and whatever else comes to lie beside them.
TEST_F(InstallTest, NoProgramAndNoLibraryHoldsThePathOfItsSources) {
  std::set<std::string> binaries;
  for (const std::string folder : {"bin", "lib"}) {
    for (const fs::directory_entry& file : fs::recursive_directory_iterator(prefix() + "/" + folder)) {
      if (!file.is_regular_file() || file.is_symlink()) continue;
      const std::string name = file.path().filename().string();
      const std::string content = read_text(file.path());
      if (content.starts_with("\177ELF")) binaries.insert(name.substr(0, name.find('.')));
      EXPECT_EQ(content.find(SHIFTSIM_SOURCE_DIR), std::string::npos) << name;
      EXPECT_EQ(content.find(SHIFTSIM_BINARY_DIR), std::string::npos) << name;
    }
  }
  EXPECT_THAT(binaries, IsSupersetOf({"simrun", "quantrun", "libshiftsim_golden"}));
#ifndef SHIFTSIM_NO_PYTHON
  EXPECT_THAT(binaries, Contains("_core"));
#endif
}

TEST_F(InstallTest, ProgramsFindTheirDataBesideThemselves) {
  const Outcome version = run_installed("bin/simrun", {"--version"});
  EXPECT_EQ(version.status, 0) << version.err;
  EXPECT_THAT(version.out, HasSubstr("simrun 0."));
  const Outcome config = run_installed("bin/simrun", {"--print-config"});
  EXPECT_EQ(config.status, 0) << config.err;
  EXPECT_THAT(config.out, HasSubstr(shipped("configs/technologies/45nm_horowitz.yaml")));
  const Outcome mutants = run_installed("share/shiftsim/scripts/build_rtl", {"--list-mutants"});
  EXPECT_EQ(mutants.status, 0) << mutants.err;
  EXPECT_THAT(mutants.out, HasSubstr("pe_"));
  const Outcome unknown = run_installed("bin/simrun", {"--set", "lockstep.mutant=none", "--print-config"});
  EXPECT_EQ(unknown.status, 2);
  EXPECT_THAT(unknown.err, HasSubstr("--list-mutants"));
}

/// What CPack packs names the libraries that it needs, and works where it is unpacked.
TEST_F(InstallTest, DebianPackageUnpacks) {
  const Outcome packed =
      run_program("cpack", {"--config", SHIFTSIM_BINARY_DIR "/CPackConfig.cmake", "-B", (folder_ / "packed").string()});
  ASSERT_EQ(packed.status, 0) << packed.out << packed.err;
  fs::path package;
  for (const fs::directory_entry& file : fs::directory_iterator(folder_ / "packed"))
    if (file.path().extension() == ".deb") package = file.path();
  ASSERT_THAT(package.filename().string(), testing::StartsWith("shiftsim_"));
  const Outcome depends = run_program("dpkg-deb", {"--field", package.string(), "Depends"});
  for (const std::string library : {"libc6", "libsystemc", "libdnnl", "libyaml-cpp"})
    EXPECT_THAT(depends.out, HasSubstr(library));
  const fs::path root = folder_ / "root";
  ASSERT_EQ(run_program("dpkg-deb", {"--extract", package.string(), root.string()}).status, 0);
  const Outcome config = run_program((root / "usr/bin/simrun").string(), {"--print-config"});
  EXPECT_EQ(config.status, 0) << config.err;
  EXPECT_THAT(config.out, HasSubstr((root / "usr/share/shiftsim/configs/technologies/45nm_horowitz.yaml").string()));
  EXPECT_EQ(run_program((root / "usr/bin/quantrun").string(), {"--recipe", "best", "--print-recipe"}).status, 0);
}

#ifndef SHIFTSIM_NO_PYTHON
TEST_F(InstallTest, ThePythonModuleFindsItsDataAboveItself) {
  const std::string python = "PYTHONPATH=" + prefix() + "/lib/python3/dist-packages";
  const std::string script = "import shiftsim; print(shiftsim.home_folder(), shiftsim.recipe_names())";
  std::vector<std::string> command = {"env", "-u", "SHIFTSIM_HOME", python, "/usr/bin/python3", "-c", script};
  if (unshare_) command = hidden(command);
  const std::string program = unshare_ ? "unshare" : "env";
  if (!unshare_) command.erase(command.begin());
  const Outcome found = run_program(program, command);
  EXPECT_EQ(found.status, 0) << found.err;
  EXPECT_THAT(found.out, HasSubstr(prefix() + "/share/shiftsim ["));
  EXPECT_THAT(found.out, HasSubstr("'nearest'"));
}
#endif

TEST_F(InstallTest, LibraryHeaderAndCompletionsAreThere) {
  for (const std::string file :
       {"include/shiftsim_golden.h", "share/shiftsim/golden/shiftsim_golden_pkg.sv", "share/shiftsim/golden/bench.sv",
        "share/bash-completion/completions/simrun", "share/bash-completion/completions/quantrun"})
    EXPECT_TRUE(fs::exists(prefix() + "/" + file)) << file;
}

TEST_F(InstallTest, QuantizesAndRunsEveryEngine) {
  const Outcome quantized = run_installed(
      "bin/quantrun", {"--model", "net.onnx", "--calibration", kImages + "/train-images-idx3-ubyte.gz", "--recipe",
                       "nearest", "--bits", "w4a4", "--set", "calibration.images=8", "--output", "net.qnet"});
  ASSERT_EQ(quantized.status, 0) << quantized.err;
  for (const std::string fidelity : {"golden", "cycle", "lockstep"}) {
    const Outcome run =
        run_installed("bin/simrun", {"--network", "net.qnet", "--images", kImages + "/t10k-images-idx3-ubyte.gz",
                                     "--fidelity", fidelity, "--set", "dataset.test_images=4", "--set", "array.rows=4",
                                     "--set", "array.cols=4", "--output", fidelity});
    EXPECT_EQ(run.status, 0) << run.err;
    EXPECT_TRUE(fs::exists(folder_ / fidelity / "report.json"));
  }
  EXPECT_TRUE(fs::exists(folder_ / "cache/rtl")) << "Verilated cores are kept in the user's folder";
}

}  // namespace
}  // namespace shiftsim::test
