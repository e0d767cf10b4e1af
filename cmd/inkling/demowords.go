package main

import "strings"

// demoWords are what the demo says, in one language.
type demoWords struct {
	look, drawn, train, watch, good, load, read, right, wrong, yours, draw string
}

var demoLanguages = map[string]*demoWords{
	"en": {
		look: "Look at the data. Some of the %s pictures of %s, with their labels:",
		train: `Train. The network is %s: its convolutions find strokes and their
   arrangement, its last layers decide. Its %s weights start at random;
   each step shows it some pictures, here %s, and every weight moves a little to
   where the loss (how wrong the network was) is smaller. Its layers:`,
		watch: "Watch the loss fall:",
		good: `How good is that? Guessing would be right for %s. The accuracy above counts
   pictures that the network has never seen. By class:`,
		load: `Load %s again and let it read some test pictures. PyTorch loads the file,
   too: net.load_state_dict(torch.load("%s")).`,
		drawn: "More of them are in %s.",
		read:  "read as %s, sure to %s: %s",
		right: "right", wrong: "wrong, it is %s",
		yours: "\nNow yours: inkling predict %s PICTURE",
		draw:  "Draw. On this page the network reads what you draw, and shows what it sees.",
	},
	"zh": {
		look: "看一看数据。%s 张图片（%s）中的几张，附标签：",
		train: `训练。网络是 %s：卷积层寻找笔画以及笔画的组合，最后几层作决定。它的 %s 个权重
   一开始是随机的；每一步给它看几张图片（这里是 %s 张），每个权重都朝损失（网络错得
   多厉害）变小的方向挪一点。它的各层：`,
		watch: "看损失怎样下降：",
		good: `有多好？瞎猜能对 %s。上面的准确率，是用网络从没见过的图片算出来的。
   按类别：`,
		load: `重新读入 %s，让它认几张测试图片。PyTorch 也能读这个文件：
   net.load_state_dict(torch.load("%s"))。`,
		drawn: "更多图片在 %s 里。",
		read:  "认作 %s，把握 %s：%s",
		right: "对", wrong: "错，应为 %s",
		yours: "\n换你的图片试试：inkling predict %s PICTURE",
		draw:  "写一写。在这个页面上，网络边看你写边认，还会给你看它看到了什么。",
	},
}

// demoWordsFor returns the words of a language, or where that is auto those of the
// environment's, English where it is neither.
func demoWordsFor(language string, getenv func(string) string) (*demoWords, error) {
	if language == "auto" {
		language = "en"
		for _, name := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
			if value := getenv(name); value != "" {
				if strings.HasPrefix(value, "zh") {
					language = "zh"
				}
				break
			}
		}
	}
	words, known := demoLanguages[language]
	if !known {
		return nil, usagef("--lang is %q, want auto, en or zh", language)
	}
	return words, nil
}
