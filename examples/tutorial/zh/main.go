// 命令 zh 与上一级的 tutorial 是同一个程序，只是注释为中文：按照 PyTorch 教程
// “Training a Classifier” 的做法，训练一个认手写数字的网络。请从上往下读。
package main

import (
	"flag"
	"fmt"
	"image/png"
	"log"
	"math/rand/v2"
	"os"

	"inkling/data"
	"inkling/data/mnist/embedded"
	"inkling/nn"
	"inkling/optim"
	"inkling/plot"
	"inkling/transform"
	"inkling/weights"
)

// Net 就是网络：各个层，以及训练将要找到的那些数。
type Net struct {
	Conv1         nn.Conv2d // 6 个 5x5 的滤波器，寻找笔画
	Pool          nn.MaxPool2d
	Conv2         nn.Conv2d // 16 个 6x5x5 的滤波器，寻找笔画的组合
	FC1, FC2, FC3 nn.Linear // 这三层决定那是哪个数字
}

// NewNet 返回一个权重随机的网络，与 PyTorch 的初始权重一样。
func NewNet(r *rand.Rand) *Net {
	n := &Net{
		Conv1: nn.Conv2d{In: 1, Out: 6, Kernel: 5},
		Pool:  nn.MaxPool2d{Kernel: 2},
		Conv2: nn.Conv2d{In: 6, Out: 16, Kernel: 5},
		FC1:   nn.Linear{In: 16 * 4 * 4, Out: 120},
		FC2:   nn.Linear{In: 120, Out: 84},
		FC3:   nn.Linear{In: 84, Out: 10},
	}
	nn.Init(n, r)
	return n
}

// Forward 说明各层如何相连。Value 只有形状，还没有数值：编译网络时，这里只运行一次。
// N 是一批图片的张数。
func (n *Net) Forward(x *nn.Value) *nn.Value { // N x 1 x 28 x 28
	x = n.Pool.Forward(nn.ReLU(n.Conv1.Forward(x))) // N x 6 x 12 x 12
	x = n.Pool.Forward(nn.ReLU(n.Conv2.Forward(x))) // N x 16 x 4 x 4
	x = x.Flatten()                                 // N x 256
	x = nn.ReLU(n.FC1.Forward(x))                   // N x 120
	x = nn.ReLU(n.FC2.Forward(x))                   // N x 84
	return n.FC3.Forward(x)                         // N x 10：有多像 0、多像 1……
}

func main() {
	limit := flag.Int("limit", 60000, "train on so many pictures")
	flag.Parse()

	// 1. 读入数据。数值在零附近时网络学得最好：ToTensor 把 0 到 255 的字节变成 0 到 1，
	// Normalize 再变成 -1 到 1。
	trainSet, err := embedded.Train()
	check(err)
	testSet, err := embedded.Test()
	check(err)
	normalize := transform.Compose{transform.ToTensor{}, transform.Normalize{Mean: []float32{0.5}, Std: []float32{0.5}}}
	trainLoader := &data.Loader{Dataset: trainSet, Transform: normalize, BatchSize: 4, Shuffle: true, Seed: 1}
	testLoader := &data.Loader{Dataset: testSet, Transform: normalize, BatchSize: 4}

	// 2. 看一看数据：第一批图片，以及它们的标签。
	for _, batch := range testLoader.Batches() {
		var labels []string
		for _, label := range batch.Labels {
			labels = append(labels, testSet.Classes()[label])
		}
		grid, err := plot.Grid{Low: -1, High: 1, Scale: 4, Labels: labels}.Floats(batch.Images, 1, 28, 28)
		check(err)
		file, err := os.Create("batch.png")
		check(err)
		check(png.Encode(file, grid))
		check(file.Close())
		fmt.Println("batch.png shows", labels)
		break
	}

	// 3. 训练。每一步先算出一批图片的损失（网络错得多厉害），以及它随每个权重怎样变化；
	// 然后由优化器移动权重。
	net := NewNet(rand.New(rand.NewPCG(1, 2)))
	sgd := &optim.SGD{LR: 0.001, Momentum: 0.9}
	program, err := nn.CompileTrain(net, nn.CrossEntropy{}, sgd, 4, 1, 28, 28)
	check(err)
	for epoch := range 2 {
		running := 0.0
		for i, batch := range trainLoader.Batches() {
			if 4*i >= *limit {
				break
			}
			running += program.Step(batch.Images, batch.Labels)
			if i%2000 == 1999 { // 每 2000 批报告一次
				fmt.Printf("[%d, %d] loss: %.3f\n", epoch+1, i+1, running/2000)
				running = 0
			}
		}
		check(trainLoader.Err())
	}

	// 4. 保存权重（PyTorch 也能读这个文件），再读入一个新的、什么都还不会的网络。
	check(weights.Save("model.pth", nn.State(net)))
	loaded := NewNet(rand.New(rand.NewPCG(3, 4)))
	check(weights.Load("model.pth", nn.State(loaded)))

	// 5. 用它没见过的图片来测试：十个输出中最大的，就是它认作的类别。
	predict, err := nn.Compile(loaded, 4, 1, 28, 28)
	check(err)
	correct := 0
	for i, batch := range testLoader.Batches() {
		outputs := predict.Forward(batch.Images)
		for k, label := range batch.Labels {
			class := largest(outputs[10*k : 10*k+10])
			if class == label {
				correct++
			}
			if i == 0 {
				fmt.Printf("the %s was read as %s\n", testSet.Classes()[label], testSet.Classes()[class])
			}
		}
	}
	check(testLoader.Err())
	fmt.Printf("Accuracy of the network on the %d test images: %.2f%%\n", testSet.Len(), 100*float64(correct)/float64(testSet.Len()))
}

// check 在出错时结束程序。
func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

// largest 返回最大值的下标。
func largest(values []float32) int {
	best := 0
	for i, v := range values {
		if v > values[best] {
			best = i
		}
	}
	return best
}
