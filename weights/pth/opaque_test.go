package pth

import (
	"fmt"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"inkling/weights/internal/hostile"
)

// dangerous are functions and classes of Python with which pickles have been made
// to do harm, or could be: by running code or a command, by reading or writing
// files, by calling others. Scanners of pickles list them.
var dangerous = []string{
	"os system", "posix system", "nt system", "os popen", "os execl", "os execve", "os spawnv", "os posix_spawn", "os remove", "os startfile", "posix fork",
	"subprocess Popen", "subprocess run", "subprocess call", "subprocess check_output", "subprocess getoutput", "commands getoutput", "popen2 popen3",
	"builtins eval", "builtins exec", "builtins compile", "builtins getattr", "builtins setattr", "builtins open", "builtins __import__", "builtins breakpoint",
	"builtins input", "builtins apply", "builtins map", "builtins globals", "builtins delattr", "builtins vars", "__builtin__ eval", "__builtin__ execfile", "__builtin__ reload", "__builtin__ file",
	"runpy _run_code", "runpy run_path", "runpy run_module", "pip main", "pip._internal main", "pip._internal.cli.main main", "ensurepip _run_pip", "venv create",
	"torch.hub load", "torch load", "torch.jit load", "torch.serialization load", "torch.package PackageImporter", "torch.utils.cpp_extension load", "torch.classes load_library",
	"torch.utils.collect_env run", "torch.utils.bottleneck.__main__ run_cprofile", "torch._inductor.codecache compile_file", "torch._dynamo.guards GuardBuilder.get",
	"torch.fx.experimental.symbolic_shapes ShapeEnv.evaluate_guards_expression", "torch.jit.unsupported_tensor_ops execWrapper", "torch.utils._config_module ConfigModule.load_config",
	"torch.utils.model_zoo load_url", "torch.distributed.rpc.internal _run_function", "torch.fx.graph_module reduce_graph_module",
	"numpy.testing._private.utils runstring", "numpy.f2py.crackfortran getlincoef", "numpy load", "numpy.core.records fromfile", "numpy fromfile", "pandas read_pickle", "joblib load",
	"pickle loads", "pickle load", "_pickle loads", "cPickle loads", "dill loads", "cloudpickle loads", "dill._dill _create_function", "cloudpickle.cloudpickle _make_function", "marshal loads", "shelve open",
	"types FunctionType", "types CodeType", "types MethodType", "functools partial", "functools reduce", "operator attrgetter", "operator methodcaller", "itertools starmap", "copyreg _reconstructor", "copyreg __newobj__",
	"code InteractiveInterpreter.runcode", "codeop compile_command", "timeit timeit", "cProfile runctx", "profile Profile.runctx", "trace Trace.run", "bdb Bdb.run", "pdb run", "doctest debug_script",
	"pydoc pipepager", "pydoc locate", "_pyrepl.pager pipe_pager", "idlelib.pyshell ModifiedInterpreter.runcode", "idlelib.run Executive.runcode", "idlelib.debugobj ObjectTreeItem.SetText",
	"lib2to3.pgen2.grammar Grammar.loads", "lib2to3.pgen2.pgen ParserGenerator.make_label", "distutils.file_util write_file", "distutils.spawn spawn", "setuptools setup",
	"importlib import_module", "importlib.util spec_from_file_location", "imp load_source", "pkgutil resolve_name", "zipimport zipimporter", "site addsitedir", "ctypes CDLL", "ctypes.util find_library", "cffi FFI",
	"socket create_connection", "socket socket", "ssl get_server_certificate", "http.client HTTPSConnection", "httplib HTTPConnection", "urllib.request urlopen", "urllib urlretrieve", "requests.api get", "aiohttp.client ClientSession",
	"ftplib FTP", "smtplib SMTP", "imaplib IMAP4_stream", "telnetlib Telnet", "webbrowser open", "antigravity geohash", "xmlrpc.client ServerProxy",
	"shutil rmtree", "shutil copyfile", "pathlib Path.write_text", "io open", "_io FileIO", "tempfile NamedTemporaryFile", "linecache getline", "logging FileHandler", "logging.config listen", "tarfile open", "zipfile ZipFile.extractall",
	"asyncio.unix_events _UnixSubprocessTransport._start", "multiprocessing.util spawnv_passfds", "multiprocessing Process", "concurrent.futures ProcessPoolExecutor", "threading Thread", "sched scheduler.run", "pty spawn",
	"uuid _get_command_stdout", "_aix_support _read_cmd_output", "_osx_support _find_build_tool", "test.support.script_helper assert_python_ok", "platform popen", "sys exit", "sys settrace", "gc get_objects", "signal signal", "atexit register", "builtins type", "weakref finalize",
	"jax.experimental serialize", "tensorflow load_op_library", "keras.layers Lambda", "sklearn.utils._pprint _safe_repr", "scipy.io loadmat", "yaml unsafe_load", "transformers pipeline", "huggingface_hub hf_hub_download", "IPython embed", "ptpython.repl embed", "nltk download",
}

// attacks are the ways in which a pickle can have a name called, or an object of it
// made: each returns the pickle, without its start and its end, of a value.
var attacks = map[string]func(module, name, command string) string{
	"REDUCE": func(m, n, c string) string { return global2(m, n) + "(" + str(c) + "tR" },
	"REDUCE of a call": func(m, n, c string) string {
		return global2(m, n) + "(" + str(c) + "tR)R"
	},
	"STACK_GLOBAL": func(m, n, c string) string { return short(m) + short(n) + "\x93" + str(c) + "\x85R" },
	"a name in the memo": func(m, n, c string) string {
		return str(m) + "q\x00" + "0h\x00" + str(n) + "\x93" + str(c) + "\x85R"
	},
	"INST":      func(m, n, c string) string { return "(" + str(c) + "i" + m + "\n" + n + "\n" },
	"OBJ":       func(m, n, c string) string { return "(" + global2(m, n) + str(c) + "o" },
	"NEWOBJ":    func(m, n, c string) string { return global2(m, n) + str(c) + "\x85\x81" },
	"NEWOBJ_EX": func(m, n, c string) string { return global2(m, n) + str(c) + "\x85}\x92" },
	"BUILD": func(m, n, c string) string {
		return global2(m, n) + ")\x81}" + str("__setstate__") + global2(m, n) + "s" + str(c) + "\x86b"
	},
	"BUILD twice": func(m, n, c string) string {
		return global2(m, n) + ")\x81}" + str("x") + str(c) + "sb}" + str("y") + "K\x01sb"
	},
	"dict of its own": func(m, n, c string) string {
		return global2(m, n) + ")R(" + str("a") + str(c) + "u"
	},
	"list of its own": func(m, n, c string) string { return global2(m, n) + ")R(" + str(c) + "e" },
	"set of its own":  func(m, n, c string) string { return global2(m, n) + ")R(" + str(c) + "\x90" },
	"a subclass's rebuilding": func(m, n, c string) string {
		return "ctorch._tensor\n_rebuild_from_type_v2\n(" + global2(m, n) + global2(m, n) + str(c) + "\x85}tR"
	},
	"a hook of defaultdict": func(m, n, c string) string {
		return "ccollections\ndefaultdict\n" + global2(m, n) + "\x85R" + str("a") + str(c) + "s"
	},
	"a key": func(m, n, c string) string { return "}" + global2(m, n) + str(c) + "\x85R" + str(c) + "s" },
	"a list": func(m, n, c string) string {
		return "](" + global2(m, n) + global2(m, n) + str(c) + "\x85Re"
	},
	"the name alone": func(m, n, c string) string { return global2(m, n) },
}

func global2(module, name string) string { return "c" + module + "\n" + name + "\n" }
func short(s string) string              { return "\x8c" + string(rune(len(s))) + s }

// TestNothingIsCalled reads every attack with every name: beside a state dict,
// whose tensor comes out as it would without; in an object that is thrown away; as
// the whole content of a file; and where a tensor needs it, which is refused. The
// command of each would leave a file behind.
func TestNothingIsCalled(t *testing.T) {
	folder := t.TempDir()
	command := "touch " + filepath.Join(folder, "ran")
	tensor := tensorOf(0, nums(6), nums(1))
	want := mustRead(t, craft(t, stateOf(tensor))).Tensors
	if len(dangerous)*len(attacks) < 2000 {
		t.Fatalf("only %d names in %d attacks", len(dangerous), len(attacks))
	}
	for _, full := range dangerous {
		module, name, _ := strings.Cut(full, " ")
		for kind, attack := range attacks {
			evil := attack(module, name, command)
			says := func(format string, arguments ...any) {
				t.Errorf("%s by %s: %s", full, kind, fmt.Sprintf(format, arguments...))
			}
			beside, err := readBytes(craft(t, "\x80\x04}("+str("w")+tensor+str("evil")+evil+"u."))
			if err != nil {
				says("beside a tensor: %v", err)
				continue
			}
			sameFiles(t, &File{Tensors: beside.Tensors}, &File{Tensors: want})
			if !slices.Contains(beside.Names, module+"."+name) {
				says("the names are %q", beside.Names)
			}
			if len(beside.Others) > 0 || beside.Class != "" || len(beside.LeftOut) == 0 || !strings.HasPrefix(beside.LeftOut[0].Path, "evil") {
				says("others %v, class %q, left out %v", beside.Others, beside.Class, beside.LeftOut)
			}
			dropped, err := readBytes(craft(t, "\x80\x04"+evil+"0}"+str("w")+tensor+"s."))
			if err != nil || len(dropped.Tensors) != 1 || !slices.Contains(dropped.Names, module+"."+name) {
				says("thrown away: %+v, %v", dropped, err)
			}
			whole, err := readBytes(craft(t, "\x80\x04"+evil+"."))
			if err != nil || len(whole.Tensors)+len(whole.Others) > 0 {
				says("alone: %+v, %v", whole, err)
			}
			// As a storage, as a size, and as what a parameter is made of.
			for _, needs := range []string{
				tensorOn(evil, 0, nums(6), nums(1)),
				tensorOf(0, evil, nums(1)),
				"ctorch._utils\n_rebuild_parameter\n(" + evil + "\x89NtR",
				typedOn(storageOf(untyped, "0", 24), evil, nums(1)),
				"ctorch._utils\n_rebuild_qtensor\n(" + evil + "NNNNNNtR",
			} {
				f, err := readBytes(craft(t, stateOf(needs)))
				// A tensor of a kind that is not read is left out, by its name.
				if err == nil && !(len(f.Tensors)+len(f.Others) == 0 && len(f.LeftOut) == 1 && f.LeftOut[0].Tensor && kind == "a subclass's rebuilding") {
					says("a tensor that needs it is read: %+v", f)
				}
			}
		}
	}
	if entries, err := os.ReadDir(folder); err != nil || len(entries) > 0 {
		t.Errorf("something ran: %v, %v", entries, err)
	}
}

// TestAttacksAreAttacks has Python read the same pickles, with nothing to be found
// under any name: it looks up and calls all of them.
func TestAttacksAreAttacks(t *testing.T) {
	python, folder := hostile.Python(t, "pickle"), t.TempDir()
	var kinds []string
	for kind := range attacks {
		kinds = append(kinds, kind)
	}
	slices.Sort(kinds)
	for i, kind := range kinds {
		if kind == "a subclass's rebuilding" {
			continue // which only PyTorch's own function calls
		}
		if err := os.WriteFile(filepath.Join(folder, fmt.Sprintf("%02d.pkl", i)), []byte("\x80\x04"+attacks[kind]("os", "system", "true")+"."), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	output, err := exec.Command(python, filepath.Join("testdata", "attacks.py"), folder).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	looked, called := map[string]bool{}, map[string]bool{}
	for line := range strings.Lines(string(output)) {
		name, does, _ := strings.Cut(line, " ")
		looked[name] = looked[name] || strings.HasPrefix(does, "os.system looked up")
		called[name] = called[name] || strings.HasPrefix(does, "called")
	}
	calls := 0
	for _, is := range called {
		if is {
			calls++
		}
	}
	if len(looked) != len(attacks)-1 || calls != len(attacks)-3 { // a name alone and the hook call nothing yet
		t.Errorf("of %d attacks %d look a name up and %d call it:\n%s", len(attacks)-1, len(looked), calls, output)
	}
}

// TestOtherOpcodes has the ways to other names: Python's registry of extensions,
// persistent ids, buffers beside the pickle.
func TestOtherOpcodes(t *testing.T) {
	tensor := tensorOf(0, nums(6), nums(1))
	for _, evil := range []string{"\x82\x01", "\x83\x01\x02", "\x84\x01\x02\x03\x04", "\x82\x05)R", "\x82\x05)\x81}b"} {
		f := mustRead(t, craft(t, "\x80\x04}("+str("w")+tensor+str("evil")+evil+"u."))
		if len(f.Tensors) != 1 || len(f.Names) != 1 || !strings.HasPrefix(f.Names[0], "copyreg.extension_") {
			t.Errorf("%q: %+v", evil, f)
		}
	}
	for _, test := range []struct{ pickle, says string }{
		{"\x80\x02Pos.system\n.", "opcode 80"},
		{"\x80\x05\x97.", "opcode 151"},
		{"\x80\x05\x97\x98.", "opcode 151"},
		{"\x80\x02" + str("os.system") + "Q.", "persistent id"},
		{"\x80\x02(" + str("storage") + "cos\nsystem\n" + str("0") + str("cpu") + num(6) + "tQ.", "persistent id"},
		{"\x80\x02(" + str("module") + str("os") + str("f") + str("import os") + "tQ.", "persistent id"},
		{"\x80\x02Vos\n.", "opcode 86"},
		{"\x80\x02I01\n.", "opcode 73"},
		{"\x80\x02S'x'\n.", "opcode 83"},
		{"\x80\x02(l.", "opcode 108"},
		{"\x80\x02(d.", "opcode 100"},
		{"\x80\x02}p0\n.", "opcode 112"},
		{"\x80\x02g0\n.", "opcode 103"},
		{"\x80\x02F1.5\n.", "opcode 70"},
		{"\x80\x02L1L\n.", "opcode 76"},
		{"\x80\x02(o.", "makes an object of nothing"},
		{"\x80\x02(K\x01o.", "makes an object of an int"},
		{"\x80\x02ios\nsystem\n.", "MARK that is not there"},
		{"\x80\x02\x8b\xff\xff\xff\x7f.", "more bytes"},
		{"\x80\x05\x96" + le64(1<<62) + ".", "more bytes"},
		{"\x80\x02(" + str("storage") + "ctorch\nFloatStorage\n" + str(strings.Repeat("0", 300)) + str("cpu") + num(6) + "tQ.", "a name of 300 bytes"},
	} {
		hostile.Refused(t, readAll, craft(t, test.pickle), test.says)
	}
}

// TestImports holds the readers to the packages that read bytes: nothing in them
// could run a program, load code or reach another machine. What opens files is
// ReadFile alone.
func TestImports(t *testing.T) {
	allowed := strings.Fields("bytes cmp compress/flate encoding/binary encoding/json errors fmt hash/crc32 io io/fs maps math os regexp slices strconv strings unicode/utf8 " +
		"inkling/weights/internal/archive inkling/weights/internal/untrusted inkling/weights/pth/internal/script inkling/weights/structure")
	for _, folder := range []string{".", "internal/script", "../internal/archive", "../internal/untrusted", "../structure"} {
		files, err := filepath.Glob(filepath.Join(folder, "*.go"))
		if err != nil || len(files) == 0 {
			t.Fatal(files, err)
		}
		for _, name := range files {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
			if err != nil {
				t.Fatal(err)
			}
			for _, i := range file.Imports {
				path, _ := strconv.Unquote(i.Path.Value)
				if !slices.Contains(allowed, path) || path == "os" && filepath.Base(name) != "read.go" {
					t.Errorf("%s imports %s", name, path)
				}
			}
		}
	}
}

// TestHarmless reads what people keep beside their weights.
func TestHarmless(t *testing.T) {
	tensor := tensorOf(0, nums(6), nums(1))
	dtype := "cnumpy\ndtype\n(" + str("f8") + "\x89\x88tR(K\x03" + str("<") + "NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
	half := "\x00\x00\x00\x00\x00\x00\xe0\x3f"
	for _, test := range []struct{ name, pickle, what, value string }{
		{"an int", "K\x05", "an int", "5"},
		{"a text", str("SGD"), "a str", "SGD"},
		{"numpy.float64", "cnumpy.core.multiarray\nscalar\n(" + dtype + "C\x08" + half + "tR", "a float", "0.5"},
		{"NumPy 2's", "cnumpy._core.multiarray\nscalar\n(" + dtype + "C\x08" + half + "tR", "a float", "0.5"},
		{"numpy.float64 of protocol 2", "cnumpy.core.multiarray\nscalar\n(" + dtype + "c_codecs\nencode\n(" + str("\x00\x00\x00\x00\x00\x00à?") + str("latin1") + "tRtR", "a float", "0.5"},
		{"numpy.int32 of another machine", "cnumpy.core.multiarray\nscalar\n(cnumpy\ndtype\n(" + str("i4") + "\x89\x88tR(K\x03" + str(">") + "NNNK\x00K\x00K\x00tbC\x04\xff\xff\xff\xfetR", "an int", "-2"},
		{"numpy.bool_", "cnumpy.core.multiarray\nscalar\n(cnumpy\ndtype\n(" + str("b1") + "\x89\x88tRC\x01\x01tR", "a bool", "True"},
		{"numpy.str_", "cnumpy.core.multiarray\nscalar\n(cnumpy\ndtype\n(" + str("U3") + "\x89\x88tRC\x0cabcabcabcabctR", "what a call of numpy.core.multiarray.scalar would return", ""},
		{"argparse.Namespace", "cargparse\nNamespace\n)\x81}" + str("lr") + "K\x01sb", "an object of the class argparse.Namespace", ""},
		{"argparse.Namespace of Python 2", "(cargparse\nNamespace\no}" + str("lr") + "K\x01sb", "an object of the class argparse.Namespace", ""},
		{"pathlib.Path", "cpathlib\nPosixPath\n(" + str("/") + str("tmp") + "tR", "an object of the class pathlib.PosixPath", ""},
		{"collections.Counter", "ccollections\nCounter\n}" + str("a") + "K\x01s\x85R", "an object of the class collections.Counter", ""},
		{"datetime", "cdatetime\ndatetime\nC\x0a\x07\xe9\x01\x01\x00\x00\x00\x00\x00\x00\x85R", "what a call of datetime.datetime would return", ""},
		{"an enum", "c__main__\nMode\nK\x01\x85R", "an object of the class __main__.Mode", ""},
		{"a class", "c__main__\nNet\n", "the name __main__.Net", ""},
		{"a lambda of cloudpickle", "ccloudpickle.cloudpickle\n_make_function\n(ccloudpickle.cloudpickle\n_builtin_type\n" + str("CodeType") + "\x85R(K\x00tR}tR(}}\x86ccloudpickle.cloudpickle\n_function_setstate\n0tb", "", ""},
		{"functools.partial", "cfunctools\npartial\nc__main__\nf\n\x85R(c__main__\nf\n)}Ntb", "what a call of functools.partial would return", ""},
		{"slice", "c__builtin__\nslice\n(K\x00K\x05NtR", "what a call of __builtin__.slice would return", ""},
		{"range", "c__builtin__\nrange\n(K\x00K\x05K\x01tR", "what a call of __builtin__.range would return", ""},
		{"complex", "c__builtin__\ncomplex\n(G\x3f\xf0\x00\x00\x00\x00\x00\x00G\x00\x00\x00\x00\x00\x00\x00\x00tR", "what a call of __builtin__.complex would return", ""},
		{"a frozenset", "(K\x01K\x02\x91", "a list of 2", ""},
		{"a set", "\x8f(K\x01K\x02\x90", "a list of 2", ""},
		{"bytearray", "\x96" + le64(3) + "abc", "bytes", ""},
		{"a large int", "\x8b\x09\x00\x00\x00123456789", "an int", ""},
		{"an array of NumPy", "cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\nK\x00\x85C\x01btR(K\x01K\x02\x85" + dtype + "\x89C\x10" + half + half + "tb", "a NumPy array", ""},
		{"an object as a key", "}cm\nKey\n)\x81K\x01s", "an int", "1"},
		{"a history", "](G\x3f\xf0\x00\x00\x00\x00\x00\x00K\x01e", "a list of 2", ""},
		{"__reduce__ with a state", "c__main__\nMeter\n)R}" + str("avg") + "K\x01sb", "an object of the class __main__.Meter", ""},
	} {
		f, err := readBytes(craft(t, "\x80\x04}("+str("net")+"}"+str("w")+tensor+"s"+str("extra")+test.pickle+"u."))
		if strings.HasPrefix(test.name, "a lambda") { // whatever its pickle says
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		if len(f.Tensors) != 1 || len(f.Others) > 0 || f.StatePath != "net" || len(f.LeftOut) != 1 {
			t.Errorf("%s: %+v", test.name, f)
			continue
		}
		if l := f.LeftOut[0]; l.What != test.what || l.Value != test.value || l.Tensor || !strings.HasPrefix(l.Path, "extra") {
			t.Errorf("%s: left out %+v, want %q %q", test.name, l, test.what, test.value)
		}
	}
}

// TestTensorsInObjects finds the tensors that an object holds, as attributes, as
// items, as elements or as arguments: they are data like others.
func TestTensorsInObjects(t *testing.T) {
	tensor := tensorOf(0, nums(6), nums(1))
	object := "cm\nEMA\n)\x81"
	for name, pickle := range map[string]string{
		"ema.shadow.w": "}" + str("ema") + object + "}" + str("shadow") + "}" + str("w") + tensor + "ssbs",
		"ema.w":        "}" + str("ema") + object + str("w") + tensor + "ss",
		"ema.0":        "}" + str("ema") + object + tensor + "as",
		"pair.1":       "}" + str("pair") + "cm\nPair\nK\x01" + tensor + "\x86\x81s",
	} {
		f := mustRead(t, craft(t, "\x80\x02"+pickle+"."))
		all := slices.Concat(f.Tensors, f.Others)
		if len(all) != 1 || all[0].Name != name && f.StatePath+"."+all[0].Name != name && !(name == "ema.w" && all[0].Name == "w") {
			t.Errorf("%s: %+v", name, f)
		}
	}
}

// TestStatePaths finds the state dict wherever a checkpoint keeps it.
func TestStatePaths(t *testing.T) {
	tensor, number := tensorOf(0, nums(6), nums(1)), tensorOf(0, nums(), nums())
	state := "}" + str("w") + tensor + "s"
	of := func(pairs ...string) string {
		s := "}("
		for i := 0; i < len(pairs); i += 2 {
			s += str(pairs[i]) + pairs[i+1]
		}
		return s + "u"
	}
	optimizer := of("state", "}K\x00"+of("momentum_buffer", tensor)+"s", "param_groups", "]")
	for _, test := range []struct{ name, pickle, path, others string }{
		{"at the top", state, "", ""},
		{"net", of("net", state, "epoch", "K\x01"), "net", ""},
		{"any name", of("my_weights", state, "epoch", "K\x01"), "my_weights", ""},
		{"two levels", of("checkpoint", of("whatever", state)), "checkpoint.whatever", ""},
		{"three levels", of("a", of("b", of("state_dict", state), "opt", optimizer)), "a.b.state_dict", ""},
		{"model before ema", of("ema", state[:1]+state[1:], "model", state), "model", "ema"},
		{"deeper, model before ema", of("best", of("ema", state, "net", state)), "best.net", "best.ema"},
		{"an optimizer beside it", of("optimizer", optimizer, "weights_of_it", state), "weights_of_it", ""},
		{"losses beside it", of("loss", number, "generator", state), "generator", ""},
		{"losses alone", of("loss", number), "", ""},
		{"in a list", "](" + state + optimizer + "e", "0", ""},
		{"in a tuple", state + optimizer + "\x86", "0", ""},
		{"a dict of its own class", of("model", "cm\nStateDict\n)R("+str("w")+tensor+"u"), "model.items", ""},
		{"two networks", of("gen", state, "disc", state), "none", "gen disc"},
		{"two networks, deeper", of("gan", of("gen", state, "disc", state)), "none", "gan.gen gan.disc"},
	} {
		f := mustRead(t, craft(t, "\x80\x02"+test.pickle+"."))
		if test.path == "none" {
			if len(f.Tensors) > 0 || strings.Join(f.StatePaths, " ") != test.others {
				t.Errorf("%s: %d tensors, state dicts at %q", test.name, len(f.Tensors), f.StatePaths)
			}
			continue
		}
		if len(f.Tensors) != 1 || f.StatePath != test.path || strings.Join(f.StatePaths, " ") != test.others {
			t.Errorf("%s: tensors %v, state dict at %q, others at %q", test.name, f.Tensors, f.StatePath, f.StatePaths)
		}
	}
}
