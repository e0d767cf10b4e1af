package pth

// This file takes the tensors out of a TorchScript program (torch.jit.save), as
// its state_dict() would give them. Its objects have their tensors and their
// children as plain attributes; what the program does with them is source that
// lies beside the pickle and is not read.

// gatherScript adds the tensors of a module of the program, and then those of its
// children.
func (w *walker) gatherScript(flat *dict, module *object, prefix string, depth int) error {
	if depth > maxDepth {
		return w.fault("modules are nested more than %d deep", maxDepth)
	}
	for _, children := range []bool{false, true} {
		for _, e := range module.state.entries {
			name, isName := e.key.(string)
			if !isName {
				return w.fault("%s is the name of an attribute of %s", describe(e.key), shorten(module.class.name))
			}
			child, isObject := e.value.(*object)
			isChild := isObject && child.state != nil && w.isOwnClass(child.class)
			tensor, isTensor := e.value.(*Tensor)
			if children && !isChild || !children && !isTensor {
				continue
			}
			if err := w.spend(int64(2*entryCost + visitCost + len(prefix) + len(name) + 1)); err != nil {
				return err
			}
			if isTensor {
				flat.add(entry{prefix + name, tensor})
			} else if err := w.gatherScript(flat, child, prefix+name+".", depth+1); err != nil {
				return err
			}
		}
	}
	return nil
}
